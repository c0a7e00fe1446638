#include "rdm_datagrams.hpp"

#include <algorithm>
#include <utility>

namespace demi::rdma {

namespace {

bool is_any(const Address& address) {
  return std::ranges::all_of(address.bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

RdmDatagramPort::RdmDatagramPort(RdmFabric& fabric, const Address& at, OwnFd fd, DatagramEvents& events)
    : fabric_(fabric),
      at_(at),
      listener_(fabric, at, std::move(fd)),
      events_(events),
      id_(fabric.demux().enter(*this)),
      cookie_(fabric.fresh_cookie()) {}

RdmDatagramPort::~RdmDatagramPort() {
  fabric_.demux().leave_port(id_);
  while (!callers_.empty()) dismiss(callers_.begin());
}

int RdmDatagramPort::local_address(Address& out) const {
  out = at_;
  return 0;
}

int RdmDatagramPort::send(const Address& to, std::span<const iovec> pieces) {
  // From any address to one of this host: from that one, as the kernel chooses (RFC 6724, section 5, rule 1).
  Address from = at_;
  if (is_any(from)) from.bytes = to.bytes;
  return fabric_.directory().send(to, from, pieces);
}

void RdmDatagramPort::on_request(Request& request) {
  Caller caller;
  caller.fd = static_cast<RdmRequest&>(request).hand_over();
  const auto limit = fabric_.directory().limit();
  const int error = send_introduction(caller.fd.get(), {.kind = Introduction::Kind::kAccept,
                                                        .id = id_,
                                                        .cookie = cookie_,
                                                        .address = at_,
                                                        .name = fabric_.name(),
                                                        .data = {limit.begin(), limit.end()}});
  if (error != 0) return;
  if (callers_.size() == kMostCallers) dismiss(callers_.begin());
  const std::uint64_t key = next_caller_++;
  caller.watched = fabric_.watches().add(caller.fd.get(), [this, key] {
    const auto found = callers_.find(key);
    if (found != callers_.end() && peer_ended(found->second.fd.get())) dismiss(found);
  });
  callers_[key] = std::move(caller);
}

void RdmDatagramPort::dismiss(std::map<std::uint64_t, Caller>::iterator caller) {
  fabric_.watches().remove(caller->second.watched);
  callers_.erase(caller);
}

void RdmDatagramPort::on_message(std::uint32_t cookie, std::span<const std::uint8_t> message) {
  // Of a port that had this number before; of somebody who does not know what a datagram is.
  Address from;
  if (cookie != cookie_ || !DatagramHeader::decode(message, from) || from.family != at_.family) {
    return fabric_.demux().lose_datagram();
  }
  events_.on_datagram(from, message.subspan(DatagramHeader::kBytes));
}

}  // namespace demi::rdma
