#include "tcp_peer.hpp"

#include <algorithm>
#include <utility>

namespace demi::dpdk::test {

TcpPeer::TcpPeer(WireBed& bed, const Host& self, std::uint16_t port, std::uint32_t first_sequence)
    : next(first_sequence), bed_(&bed), self_(self), port_(port) {}

Segment TcpPeer::segment(std::uint8_t flags, std::string_view data) const {
  return {.from = self_.ip.port,
          .to = port_,
          .sequence = next,
          .acknowledged = (flags & kAck) != 0 ? expected : 0,
          .flags = flags,
          .window = 65535,
          .options = {},
          .data = bytes(data)};
}

bool TcpPeer::take(const Bytes& frame) {
  const auto packet = read_packet(frame);
  if (!packet || packet->to.bytes != self_.ip.bytes) return false;
  const auto found = read_tcp(*packet);
  if (!found || found->to != self_.ip.port || found->from != port_) return false;
  if ((found->flags & kRst) != 0) {
    was_reset = true;
    return true;
  }
  window = found->window;
  if ((found->flags & kSyn) != 0) {
    if (!established) {
      established = true;
      ++next;
      acknowledged = next;
      expected = found->sequence + 1;
    }
    if (acknowledging) send(segment(kAck));
    return true;
  }
  if ((found->flags & kAck) != 0 && static_cast<std::int32_t>(found->acknowledged - acknowledged) > 0)
    acknowledged = found->acknowledged;
  const bool fin = (found->flags & kFin) != 0;
  if (found->data.empty() && !fin) return true;
  if (found->sequence == expected && !ended) {
    received += text(found->data);
    expected += static_cast<std::uint32_t>(found->data.size()) + (fin ? 1 : 0);
    ended = fin;
  }
  if (acknowledging) send(segment(kAck));
  return true;
}

bool TcpPeer::open(unsigned milliseconds) {
  const std::uint32_t end = WireBed::now() + milliseconds;
  while (!established && !was_reset && WireBed::now() < end) {
    Segment syn = segment(kSyn);
    syn.options = {2, 4, 1460 >> 8, 1460 & 0xff};
    send(syn);
    bed_->until([&] { return established || was_reset; }, 200);
  }
  bed_->pump();
  return established;
}

bool TcpPeer::deliver(std::string_view data, std::size_t piece, unsigned milliseconds) {
  const std::uint32_t first = next;
  const auto all = first + static_cast<std::uint32_t>(data.size());
  const std::uint32_t end = WireBed::now() + milliseconds;
  std::uint32_t progress = acknowledged;
  std::uint32_t quiet = 0;
  while (acknowledged != all && !was_reset && WireBed::now() < end) {
    while (next != all) {
      const std::size_t at = next - first;
      const std::uint32_t flying = next - acknowledged;
      const std::size_t n =
          std::min({piece, data.size() - at, static_cast<std::size_t>(window - std::min(window, flying))});
      if (n == 0 || !send(segment(kAck | kPush, data.substr(at, n)))) break;
      next += static_cast<std::uint32_t>(n);
    }
    bed_->run(1);
    quiet = progress == acknowledged ? quiet + 1 : 0;
    progress = acknowledged;
    // Go back to what is not acknowledged; into a closed window one byte, which asks whether it has opened.
    if (quiet == 0 || quiet % 100 != 0) continue;
    next = acknowledged;
    if (window == 0 && next != all) send(segment(kAck | kPush, data.substr(next - first, 1)));
  }
  return acknowledged == all;
}

void TcpPeer::finish() {
  send(segment(kFin | kAck));
  ++next;
  bed_->pump();
}

void TcpPeer::reset() {
  send(segment(kRst | kAck));
  bed_->pump();
}

// ---- the application's side -------------------------------------------------------------------------------------------

EchoServer::EchoServer(WireBed& bed, int family, std::uint16_t port, int backlog)
    : bed_(bed),
      listener_(bed.listener(family, port, backlog)),
      datagrams_(bed.socket(SocketKind::kDatagram, family, port)),
      accept_(bed.accept(listener_)),
      place_(bed.on_completion.size()) {
  pops_[bed_.app().pop(datagrams_)] = datagrams_;
  bed_.on_completion.emplace_back([this](const Completion& c) { completed(c); });
}

// Its sockets go with the libOS.
EchoServer::~EchoServer() {
  bed_.on_completion[place_] = [](const Completion&) {};
}

void EchoServer::completed(const Completion& c) {
  auto& app = bed_.app();
  if (c.qt == accept_) {
    if (c.result == 0) pops_[app.pop(c.value)] = c.value;
    accept_ = bed_.accept(listener_);
    return;
  }
  const auto popped = pops_.find(c.qt);
  if (popped == pops_.end()) return;
  const Qd qd = popped->second;
  pops_.erase(popped);
  if (qd != datagrams_ && c.result <= 0) {
    if (c.value != 0) app.free(c.value);
    bed_.runtime().close(qd);
    return;
  }
  if (c.result > 0) {
    app.push(qd, c.value, layout::kFlagFree | (qd == datagrams_ ? layout::kFlagTo : 0));
  } else if (c.value != 0) {
    app.free(c.value);
  }
  pops_[app.pop(qd)] = qd;
}

bool clean_echo(WireBed& bed, int family, std::uint16_t port) {
  static std::uint16_t source = 20000;
  static unsigned n = 0;
  n = n % 100 + 1;
  if (++source == 60000) source = 20001;
  const auto before = std::exchange(bed.on_frame, nullptr);
  TcpPeer client(bed, peer(family, source, n), port, 77'000u * n);
  std::string datagram;
  bed.on_frame = [&](const Bytes& frame) {
    if (client.take(frame)) return;
    const auto packet = read_packet(frame);
    if (packet && packet->protocol == kUdp && !packet->is_fragment && packet->to.port == source)
      datagram = text(Bytes(packet->payload.begin() + kUdpHeader, packet->payload.end()));
  };
  std::string data(10'000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + source);
  bool good = client.open() && client.deliver(data) && bed.until([&] { return client.received.size() >= data.size(); });
  good = good && client.received == data;
  client.finish();
  good = good && bed.until([&] { return client.ended; });
  for (int tries = 0; tries < 3 && datagram != "datagram"; ++tries) {
    bed.send(udp(client.self(), ours(family, port), "datagram"));
    bed.until([&] { return datagram == "datagram"; }, 500);
  }
  bed.on_frame = before;
  return good && datagram == "datagram";
}

}  // namespace demi::dpdk::test
