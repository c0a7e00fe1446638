#include "lwip_endpoint.hpp"

namespace demi::dpdk {

namespace {

// RFC 768 and 791: what a length field of 16 bits leaves after the headers. IPv6 would leave its own header out, but lwIP also
// counts a packet's bytes in 16 bits.
constexpr std::size_t kMost4 = 65535 - 20 - 8;
constexpr std::size_t kMost6 = 65535 - 40 - 8;

}  // namespace

LwipEndpoint::LwipEndpoint(LwipStack& stack, udp_pcb* pcb, int family) : stack_(stack), pcb_(pcb), family_(family) {
  udp_recv(pcb_, &on_received, this);
}

LwipEndpoint::~LwipEndpoint() { udp_remove(pcb_); }

int LwipEndpoint::bind(const Address& to) {
  if (to.family != family_) return -EAFNOSUPPORT;
  if (pcb_->local_port != 0) return -EINVAL;
  if (!stack_.interface().is_local(to)) return -EADDRNOTAVAIL;
  const ip_addr_t address = to_lwip(to);
  return errno_of(udp_bind(pcb_, &address, to.port));
}

int LwipEndpoint::connect(const Address& to) {
  const ip_addr_t address = to_lwip(to);
  return errno_of(udp_connect(pcb_, &address, to.port));
}

int LwipEndpoint::send(std::span<const iovec> pieces, const Address& to) {
  if (to.family == 0 && (pcb_->flags & UDP_FLAGS_CONNECTED) == 0) return -EDESTADDRREQ;
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  if (bytes > (family_ == 6 ? kMost6 : kMost4)) return -EMSGSIZE;
  // One piece of memory, as the interface wants it, with room for the headers in front.
  pbuf* const p = pbuf_alloc(PBUF_TRANSPORT, static_cast<std::uint16_t>(bytes), PBUF_RAM);
  if (p == nullptr) return -ENOBUFS;
  auto* at = static_cast<std::uint8_t*>(p->payload);
  for (const iovec& piece : pieces) {
    if (piece.iov_len != 0) std::memcpy(at, piece.iov_base, piece.iov_len);
    at += piece.iov_len;
  }
  err_t result;
  if (to.family == 0) {
    result = udp_send(pcb_, p);
  } else {
    const ip_addr_t address = to_lwip(to);
    result = udp_sendto(pcb_, p, &address, to.port);
  }
  pbuf_free(p);
  return errno_of(result);
}

void LwipEndpoint::on_received(void* arg, udp_pcb*, pbuf* datagram, const ip_addr_t* from, std::uint16_t port) {
  auto* self = static_cast<LwipEndpoint*>(arg);
  LwipStack& stack = self->stack_;
  const Address sender = from_lwip(*from, port);
  const Sga sga = self->events_ != nullptr && self->events_->has_room() ? stack.buffers().take_whole(datagram) : 0;
  if (sga == 0) {
    ++stack.counters.datagrams_dropped;
    pbuf_free(datagram);
    return;
  }
  stack.arena().set_address(sga, sender);
  self->events_->on_received(sga);
}

int LwipEndpoint::local_address(Address& out) const {
  out = from_lwip(pcb_->local_ip, pcb_->local_port);
  out.family = static_cast<std::uint8_t>(family_);
  return 0;
}

int LwipEndpoint::peer_address(Address& out) const {
  if ((pcb_->flags & UDP_FLAGS_CONNECTED) == 0) return -ENOTCONN;
  out = from_lwip(pcb_->remote_ip, pcb_->remote_port);
  return 0;
}

int LwipEndpoint::set_option(SocketOption option, int value) {
  if (option != SocketOption::kReuseAddress) return -ENOPROTOOPT;
  if (value != 0) {
    ip_set_option(pcb_, SOF_REUSEADDR);
  } else {
    ip_reset_option(pcb_, SOF_REUSEADDR);
  }
  return 0;
}

int LwipEndpoint::get_option(SocketOption option, int& value) const {
  if (option != SocketOption::kReuseAddress) return -ENOPROTOOPT;
  value = ip_get_option(pcb_, SOF_REUSEADDR) ? 1 : 0;
  return 0;
}

}  // namespace demi::dpdk
