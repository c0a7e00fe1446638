// A network address as every backend passes it: numeric only, so nothing here ever blocks on a resolver.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

namespace demi {

struct Address {
  std::uint8_t family = 0;  // 0 none, 4 or 6
  std::uint16_t port = 0;   // host order
  std::uint32_t scope = 0;  // IPv6 zone, 0 when none
  std::array<std::uint8_t, 16> bytes{};

  // The same address and port. Zones aside, of which every device has its own idea.
  bool same(const Address& other) const { return family == other.family && port == other.port && bytes == other.bytes; }

  // Parses "10.0.0.1" or "fe80::1" (zones as a number: "fe80::1%2"). Returns 0 or -EINVAL.
  static int parse(const std::string& text, std::int32_t port, Address& out) {
    if (port < 0 || port > 65535) return -EINVAL;
    out = Address{};
    out.port = static_cast<std::uint16_t>(port);
    in_addr v4{};
    if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
      out.family = 4;
      std::memcpy(out.bytes.data(), &v4, 4);
      return 0;
    }
    std::string host = text;
    if (auto percent = host.find('%'); percent != std::string::npos) {
      const std::string zone = host.substr(percent + 1);
      if (zone.empty() || zone.size() > 9 || zone.find_first_not_of("0123456789") != std::string::npos) return -EINVAL;
      out.scope = static_cast<std::uint32_t>(std::stoul(zone));
      host.resize(percent);
    }
    in6_addr v6{};
    if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return -EINVAL;
    out.family = 6;
    std::memcpy(out.bytes.data(), &v6, 16);
    return 0;
  }

  std::string host() const {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(family == 6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
    if (family == 6 && scope != 0) return std::string(text) + "%" + std::to_string(scope);
    return text;
  }

  // Fills a kernel socket address; returns its length in bytes.
  socklen_t to_sockaddr(sockaddr_storage& out) const {
    std::memset(&out, 0, sizeof out);
    if (family == 6) {
      auto* sin6 = reinterpret_cast<sockaddr_in6*>(&out);
      sin6->sin6_family = AF_INET6;
      sin6->sin6_port = htons(port);
      sin6->sin6_scope_id = scope;
      std::memcpy(&sin6->sin6_addr, bytes.data(), 16);
      return sizeof *sin6;
    }
    auto* sin = reinterpret_cast<sockaddr_in*>(&out);
    sin->sin_family = AF_INET;
    sin->sin_port = htons(port);
    std::memcpy(&sin->sin_addr, bytes.data(), 4);
    return sizeof *sin;
  }

  static Address from_sockaddr(const sockaddr_storage& in) {
    Address out;
    if (in.ss_family == AF_INET6) {
      const auto* sin6 = reinterpret_cast<const sockaddr_in6*>(&in);
      out.family = 6;
      out.port = ntohs(sin6->sin6_port);
      out.scope = sin6->sin6_scope_id;
      std::memcpy(out.bytes.data(), &sin6->sin6_addr, 16);
    } else if (in.ss_family == AF_INET) {
      const auto* sin = reinterpret_cast<const sockaddr_in*>(&in);
      out.family = 4;
      out.port = ntohs(sin->sin_port);
      std::memcpy(out.bytes.data(), &sin->sin_addr, 4);
    }
    return out;
  }
};

}  // namespace demi
