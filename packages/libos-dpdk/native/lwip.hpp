// lwIP's headers, behind the system's: both have byte order macros, and lwIP's go without saying.
#pragma once

#include <netinet/in.h>

#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
extern "C" {
#include <lwip/err.h>
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/nd6.h>
#include <lwip/netif.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>
}

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ranges>

#include "demi/address.hpp"

namespace demi::dpdk {

// lwIP's error codes (err.h) as errnos.
inline int errno_of(err_t error) {
  switch (error) {
    case ERR_OK:
      return 0;
    case ERR_MEM:
    case ERR_BUF:
      return -ENOBUFS;
    case ERR_TIMEOUT:
      return -ETIMEDOUT;
    case ERR_RTE:
      return -ENETUNREACH;
    case ERR_INPROGRESS:
      return -EINPROGRESS;
    case ERR_WOULDBLOCK:
      return -EAGAIN;
    case ERR_USE:
      return -EADDRINUSE;
    case ERR_ALREADY:
      return -EALREADY;
    case ERR_ISCONN:
      return -EISCONN;
    case ERR_CONN:
      return -ENOTCONN;
    case ERR_IF:
      return -ENETDOWN;
    // Of a connection that was open: lwIP gave up sending again and again.
    case ERR_ABRT:
      return -ETIMEDOUT;
    case ERR_RST:
      return -ECONNRESET;
    case ERR_CLSD:
      return -ENOTCONN;
    default:
      return -EINVAL;
  }
}

inline ip_addr_t to_lwip(const Address& address) {
  ip_addr_t out{};
  if (address.family == 6) {
    IP_SET_TYPE_VAL(out, IPADDR_TYPE_V6);
    std::memcpy(ip_2_ip6(&out)->addr, address.bytes.data(), 16);
    ip6_addr_clear_zone(ip_2_ip6(&out));
  } else {
    IP_SET_TYPE_VAL(out, IPADDR_TYPE_V4);
    std::memcpy(&ip_2_ip4(&out)->addr, address.bytes.data(), 4);
  }
  return out;
}

inline Address from_lwip(const ip_addr_t& address, std::uint16_t port) {
  Address out;
  out.port = port;
  if (IP_IS_V6_VAL(address)) {
    out.family = 6;
    std::memcpy(out.bytes.data(), ip_2_ip6(&address)->addr, 16);
  } else {
    out.family = 4;
    std::memcpy(out.bytes.data(), &ip_2_ip4(&address)->addr, 4);
  }
  return out;
}

// One of an interface's IPv6 addresses. `state` is for ip6_addr_isvalid() and the like: one that is tentative is not the interface's yet.
struct InterfaceAddress6 {
  const ip6_addr_t& address;
  std::uint8_t state;
};

// All that an interface has or tries to have; they come and go with router advertisements.
inline auto ipv6_addresses(const netif& interface) {
  return std::views::iota(0, LWIP_IPV6_NUM_ADDRESSES) |
         std::views::filter([&interface](int i) { return !ip6_addr_isinvalid(netif_ip6_addr_state(&interface, i)); }) |
         std::views::transform([&interface](int i) {
           return InterfaceAddress6{*netif_ip6_addr(&interface, i), netif_ip6_addr_state(&interface, i)};
         });
}

}  // namespace demi::dpdk
