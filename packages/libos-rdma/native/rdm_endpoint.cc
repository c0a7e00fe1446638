#include "rdm_endpoint.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

namespace demi::rdma {

RdmEndpoint::RdmEndpoint(RdmFabric& fabric, EndpointEvents& events, OwnFd fd)
    : fabric_(fabric),
      events_(events),
      fd_(std::move(fd)),
      watched_(fabric.watches().add(fd_.get(), [this] { on_readable(); })),
      id_(fabric.demux().enter(*this)),
      cookie_(fabric.fresh_cookie()) {}

RdmEndpoint::~RdmEndpoint() {
  fabric_.watches().remove(watched_);
  fabric_.demux().leave(id_);
  if (peer_ != nullptr) fabric_.peers().part(peer_name_);
}

void RdmEndpoint::set_addresses(const Address& local, const Address& peer) {
  local_ = local;
  remote_ = peer;
}
int RdmEndpoint::local_address(Address& out) const {
  out = local_;
  return 0;
}
int RdmEndpoint::peer_address(Address& out) const {
  out = remote_;
  return 0;
}

// ---- rendezvous -----------------------------------------------------------------------------------------------------

int RdmEndpoint::introduce(Introduction::Kind kind, std::span<const std::uint8_t> data) {
  return send_introduction(fd_.get(), {.kind = kind,
                                       .id = id_,
                                       .cookie = cookie_,
                                       .address = local_,
                                       .name = fabric_.name(),
                                       .data = {data.begin(), data.end()}});
}

int RdmEndpoint::connect(std::span<const std::uint8_t> data) {
  connecting_ = true;
  const int error = introduce(Introduction::Kind::kHello, data);
  // Whoever listened has hung up already.
  return error == -EPIPE || error == -ECONNRESET ? -ECONNREFUSED : error;
}

int RdmEndpoint::meet(const Introduction& peer) {
  peer_ = fabric_.peers().meet(peer.name);
  if (peer_ == nullptr) return -ENOBUFS;
  peer_name_ = peer.name;
  peer_id_ = peer.id;
  peer_cookie_ = peer.cookie;
  return 0;
}

int RdmEndpoint::accept(std::span<const std::uint8_t> data) {
  to_tell_ = true;
  // Told by our own socket: it can be written to, which is asked for once.
  fabric_.watches().remove(watched_);
  watched_ = fabric_.watches().add(
      fd_.get(), [this] { on_readable(); }, true);
  return introduce(Introduction::Kind::kAccept, data);
}

void RdmEndpoint::on_readable() {
  if (std::exchange(to_tell_, false)) {
    fabric_.watches().remove(watched_);
    watched_ = fabric_.watches().add(fd_.get(), [this] { on_readable(); });
    return events_.on_connected({});
  }
  if (!std::exchange(connecting_, false)) {
    if (!peer_ended(fd_.get())) return;
    // What it sent before lies in our memory.
    fabric_.shared().drain();
    fabric_.watches().remove(watched_);
    return events_.on_disconnected();
  }
  Introduction answer;
  const int error = receive_introduction(fd_.get(), answer);
  if (error == -EAGAIN) {
    connecting_ = true;
    return;
  }
  if (error != 0) return events_.on_refused(error == -ECONNRESET ? -ECONNREFUSED : error, {});
  if (answer.kind == Introduction::Kind::kReject) return events_.on_refused(-ECONNREFUSED, answer.data);
  if (answer.kind != Introduction::Kind::kAccept) return events_.on_refused(-EPROTO, {});
  if (const int failed = meet(answer); failed != 0) return events_.on_refused(failed, {});
  events_.on_connected(answer.data);
}

// ---- messages -------------------------------------------------------------------------------------------------------

int RdmEndpoint::post(std::uint8_t* memory, std::size_t bytes, Work& work) {
  posted_.push_back({memory, bytes, &work});
  return 0;
}

int RdmEndpoint::inject(std::span<const iovec> pieces) {
  if (peer_ == nullptr) return -ENOTCONN;
  return fabric_.shared().send(*peer_, peer_id_, peer_cookie_, pieces);
}

void RdmEndpoint::on_message(std::uint32_t cookie, std::span<const std::uint8_t> message) {
  // Of a connection that had this number before.
  if (cookie != cookie_) return;
  if (posted_.empty()) return events_.on_failed(-EPROTO);
  // Any will do: the one that was posted last is still in the cache.
  const Posted to = posted_.back();
  posted_.pop_back();
  if (message.size() > to.bytes) return events_.on_failed(-EMSGSIZE);
  std::memcpy(to.memory, message.data(), message.size());
  to.work->owner->on_received(*to.work, static_cast<std::uint32_t>(message.size()));
}

}  // namespace demi::rdma
