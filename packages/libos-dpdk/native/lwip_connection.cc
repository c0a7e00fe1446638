#include "lwip_connection.hpp"

#include <algorithm>
#include <utility>

namespace demi::dpdk {

namespace {

// lwIP's keep-alive times are in its own milliseconds, which pass kClock times as fast. This is also Linux's default, two hours.
constexpr std::uint32_t kKeepIdleMs = 7'200'000;

constexpr std::uint32_t kMostSendBuffer = TCP_SND_QUEUELEN * TCP_MSS;

}  // namespace

LwipConnection::LwipConnection(LwipStack& stack, tcp_pcb* pcb, int family) : stack_(stack), pcb_(pcb), family_(family) {
  pcb_->keep_idle = kKeepIdleMs * LwipTimers::kClock;
  pcb_->keep_intvl = 75'000 * LwipTimers::kClock;
  tcp_nagle_disable(pcb_);
  watch();
  if (pcb_->state == ESTABLISHED) find_by_key();
}

LwipConnection::~LwipConnection() {
  stack_.forget(*this);
  if (early_ != nullptr) pbuf_free(early_);
  if (pcb_ != nullptr) abort();
}

void LwipConnection::find_by_key() { key_ = stack_.lookup().add(pcb_); }

// lwIP's from now on, or gone.
tcp_pcb* LwipConnection::let_go() {
  if (const auto key = std::exchange(key_, std::nullopt); key) stack_.lookup().remove(*key);
  return std::exchange(pcb_, nullptr);
}

void LwipConnection::watch() {
  tcp_arg(pcb_, this);
  tcp_recv(pcb_, &on_received);
  tcp_sent(pcb_, &on_sent);
  tcp_err(pcb_, &on_error);
  tcp_poll(pcb_, &on_poll, 2);
}

void LwipConnection::unwatch() {
  tcp_arg(pcb_, nullptr);
  tcp_recv(pcb_, nullptr);
  tcp_sent(pcb_, nullptr);
  tcp_err(pcb_, nullptr);
  tcp_poll(pcb_, nullptr, 0);
}

void LwipConnection::abort() {
  tcp_abort(release());
  if (aborted_ != nullptr) *aborted_ = true;
}

// Both sides have ended, though the peer may not have acknowledged all bytes yet.
void LwipConnection::leave() {
  unwatch();
  stack_.farewells().take(let_go(), linger_ > 0 ? linger_ : -1, LwipFarewells::kMostMs);
}

tcp_pcb* LwipConnection::release() {
  unwatch();
  return let_go();
}

void LwipConnection::set_events(ConnectionEvents& events) {
  events_ = &events;
  if (early_ != nullptr || early_end_ || early_error_ != 0) stack_.attend(*this);
}

// ---- what the socket asks -------------------------------------------------------------------------------------------

namespace {

// A listener keeps its port from others whatever they are set to; lwIP looks only for the very same address.
bool is_listened_on(const ip_addr_t& address, std::uint16_t port) {
  for (const tcp_pcb_listen* one = tcp_listen_pcbs.listen_pcbs; port != 0 && one != nullptr; one = one->next) {
    if (one->local_port != port || IP_IS_V6_VAL(one->local_ip) != IP_IS_V6_VAL(address)) continue;
    if (ip_addr_isany(&one->local_ip) || ip_addr_isany(&address) || ip_addr_cmp(&one->local_ip, &address)) return true;
  }
  return false;
}

}  // namespace

int LwipConnection::bind(const Address& to) {
  if (pcb_ == nullptr) return -EINVAL;
  if (to.family != family_) return -EAFNOSUPPORT;
  if (bound_) return -EINVAL;
  if (!stack_.interface().is_local(to)) return -EADDRNOTAVAIL;
  // As the kernel's sockets of libos-posix: connections of a listener that has closed do not keep its port from the next.
  if (!reuse_chosen_) ip_set_option(pcb_, SOF_REUSEADDR);
  const ip_addr_t address = to_lwip(to);
  if (is_listened_on(address, to.port)) return -EADDRINUSE;
  const int error = errno_of(tcp_bind(pcb_, &address, to.port));
  bound_ = error == 0;
  return error;
}

int LwipConnection::connect(const Address& to) {
  if (pcb_ == nullptr) return -EINVAL;
  const ip_addr_t address = to_lwip(to);
  // lwIP would send its SYN to nowhere until it gives up.
  if (!stack_.interface().reaches(address)) return -ENETUNREACH;
  connecting_ = true;
  const int error = errno_of(tcp_connect(pcb_, &address, to.port, &on_connected));
  if (error == 0) find_by_key();
  return error;
}

std::size_t LwipConnection::write(std::span<const std::uint8_t> bytes) {
  if (pcb_ == nullptr) return 0;
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const std::size_t used = send_granted_ - pcb_->snd_buf;
    const std::size_t room = used < send_limit_ ? send_limit_ - used : 0;
    const std::size_t n = std::min<std::size_t>({bytes.size() - taken, room, tcp_sndbuf(pcb_)});
    if (n == 0 || tcp_write(pcb_, bytes.data() + taken, static_cast<std::uint16_t>(n), TCP_WRITE_FLAG_COPY) != ERR_OK) {
      blocked_ = true;
      break;
    }
    taken += n;
  }
  return taken;
}

void LwipConnection::output() {
  if (pcb_ != nullptr) tcp_output(pcb_);
}

void LwipConnection::consumed(std::size_t bytes) {
  while (pcb_ != nullptr && bytes != 0) {
    const auto n = static_cast<std::uint16_t>(std::min<std::size_t>(bytes, 0xffff));
    tcp_recved(pcb_, n);
    bytes -= n;
  }
}

void LwipConnection::end() {
  if (pcb_ == nullptr) return;
  tcp_output(pcb_);
  // Short of memory for the FIN, lwIP sends it later.
  tcp_shutdown(pcb_, 0, 1);
}

void LwipConnection::close() {
  if (pcb_ == nullptr) return;
  if (linger_ == 0) return abort();
  unwatch();
  stack_.farewells().take(let_go(), linger_);
}

int LwipConnection::local_address(Address& out) const {
  if (pcb_ == nullptr) return -EINVAL;
  out = from_lwip(pcb_->local_ip, pcb_->local_port);
  out.family = static_cast<std::uint8_t>(family_);
  return 0;
}

int LwipConnection::peer_address(Address& out) const {
  if (pcb_ == nullptr || pcb_->state < ESTABLISHED) return -ENOTCONN;
  out = from_lwip(pcb_->remote_ip, pcb_->remote_port);
  return 0;
}

int LwipConnection::set_option(SocketOption option, int value) {
  if (pcb_ == nullptr) return -EINVAL;
  const auto flag = [&](u8_t bit) {
    if (value != 0) {
      ip_set_option(pcb_, bit);
    } else {
      ip_reset_option(pcb_, bit);
    }
    return 0;
  };
  switch (option) {
    case SocketOption::kNoDelay:
      if (value != 0) {
        tcp_nagle_disable(pcb_);
      } else {
        tcp_nagle_enable(pcb_);
      }
      return 0;
    case SocketOption::kKeepAlive:
      return flag(SOF_KEEPALIVE);
    case SocketOption::kReuseAddress:
      reuse_chosen_ = true;
      return flag(SOF_REUSEADDR);
    case SocketOption::kLinger:
      if (value < -1) return -EINVAL;
      linger_ = value;
      return 0;
    case SocketOption::kSendBuffer:
      if (value < 0) return -EINVAL;
      // lwIP keeps what is left of the buffer in the pcb: it can be given more, up to what its queue of segments holds.
      send_limit_ = std::clamp<std::uint32_t>(static_cast<std::uint32_t>(value), 2 * TCP_MSS, kMostSendBuffer);
      if (send_limit_ > send_granted_) {
        pcb_->snd_buf += send_limit_ - send_granted_;
        send_granted_ = send_limit_;
      }
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

int LwipConnection::get_option(SocketOption option, int& value) const {
  if (pcb_ == nullptr) return -EINVAL;
  switch (option) {
    case SocketOption::kNoDelay:
      value = tcp_nagle_disabled(pcb_) ? 1 : 0;
      return 0;
    case SocketOption::kKeepAlive:
      value = ip_get_option(pcb_, SOF_KEEPALIVE) ? 1 : 0;
      return 0;
    case SocketOption::kReuseAddress:
      value = ip_get_option(pcb_, SOF_REUSEADDR) ? 1 : 0;
      return 0;
    case SocketOption::kLinger:
      value = linger_;
      return 0;
    case SocketOption::kSendBuffer:
      value = static_cast<int>(send_limit_);
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

}  // namespace demi::dpdk
