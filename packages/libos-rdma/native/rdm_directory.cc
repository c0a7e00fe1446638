#include "rdm_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "demi/layout.hpp"

namespace demi::rdma {

namespace {

// Header and payload.
constexpr std::size_t kMostDatagramPieces = layout::kMaxSegments + 1;

std::size_t bytes_in(std::span<const iovec> pieces) {
  std::size_t bytes = 0;
  for (const iovec& piece : pieces) bytes += piece.iov_len;
  return bytes;
}

}  // namespace

// 0 family, 1 zero, 2 port, 4 address
void DatagramHeader::encode(const Address& from, std::uint8_t* to) {
  to[0] = from.family;
  to[1] = 0;
  to[2] = static_cast<std::uint8_t>(from.port);
  to[3] = static_cast<std::uint8_t>(from.port >> 8);
  std::ranges::copy(from.bytes, to + 4);
}

bool DatagramHeader::decode(std::span<const std::uint8_t> bytes, Address& from) {
  if (bytes.size() <= kBytes || (bytes[0] != 4 && bytes[0] != 6) || bytes[1] != 0) return false;
  from = Address{};
  from.family = bytes[0];
  from.port = static_cast<std::uint16_t>(bytes[2] | bytes[3] << 8);
  std::copy_n(bytes.data() + 4, from.bytes.size(), from.bytes.begin());
  return from.port != 0;
}

RdmDirectory::~RdmDirectory() {
  while (!known_.empty()) forget(known_.begin());
}

RdmDirectory::Key RdmDirectory::key_of(const Address& address) {
  Key key{};
  key[0] = address.family;
  key[1] = static_cast<std::uint8_t>(address.port);
  key[2] = static_cast<std::uint8_t>(address.port >> 8);
  std::ranges::copy(address.bytes, key.begin() + 3);
  return key;
}

std::array<std::uint8_t, 4> RdmDirectory::limit() const {
  std::array<std::uint8_t, 4> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(buffer_ >> (8 * i));
  return out;
}

int RdmDirectory::send(const Address& to, const Address& from, std::span<const iovec> pieces) {
  if (pieces.size() >= kMostDatagramPieces) return -EMSGSIZE;
  std::uint8_t header[DatagramHeader::kBytes];
  DatagramHeader::encode(from, header);
  iovec all[kMostDatagramPieces];
  all[0] = {header, sizeof header};
  std::ranges::copy(pieces, all + 1);
  const std::span<const iovec> message(all, pieces.size() + 1);

  const Key key = key_of(to);
  auto entry = known_.find(key);
  if (entry == known_.end()) {
    int error = 0;
    entry = ask(to, key, from, error);
    if (error != 0) return error;
  }
  Known& known = entry->second;
  known.used = ++uses_;
  if (known.peer == nullptr || !known.waiting.empty()) {
    keep(known, message);
    return 0;
  }
  const int error = pass(known, message);
  if (error == -EAGAIN) {
    keep(known, message);
    if (!known.waiting.empty()) ready_.push_back(key);
    return 0;
  }
  if (error != -ECONNRESET) return error;
  // Gone, and its end has not been seen yet.
  ++lost_;
  forget(entry);
  return 0;
}

RdmDirectory::Entry RdmDirectory::ask(const Address& to, const Key& key, const Address& from, int& error) {
  OwnFd fd = connect_to(to, Service::kDatagrams, error);
  if (error != 0) return known_.end();
  error = send_introduction(
      fd.get(),
      {.kind = Introduction::Kind::kHello, .id = 0, .cookie = 0, .address = from, .name = fabric_.name(), .data = {}});
  if (error != 0) return known_.end();
  if (known_.size() == kMostKnown) {
    forget(std::ranges::min_element(known_, {}, [](const auto& one) { return one.second.used; }));
  }
  const auto entry = known_.try_emplace(key).first;
  entry->second.fd = std::move(fd);
  entry->second.watched = fabric_.watches().add(entry->second.fd.get(), [this, key] { on_readable(key); });
  return entry;
}

// Whom we asked answers, or is gone.
void RdmDirectory::on_readable(const Key& key) {
  const auto entry = known_.find(key);
  if (entry == known_.end()) return;
  Known& known = entry->second;
  if (known.peer != nullptr) {
    if (peer_ended(known.fd.get())) forget(entry);
    return;
  }
  Introduction answer;
  const int error = receive_introduction(known.fd.get(), answer);
  if (error == -EAGAIN) return;
  if (error != 0 || answer.kind != Introduction::Kind::kAccept || answer.data.size() != 4) return forget(entry);
  known.limit = 0;
  for (std::size_t i = answer.data.size(); i-- > 0;) known.limit = known.limit << 8 | answer.data[i];
  known.peer = fabric_.peers().meet(answer.name);
  if (known.peer == nullptr) return forget(entry);
  known.name = answer.name;
  known.id = answer.id;
  known.cookie = answer.cookie;
  ready_.push_back(key);
}

// To whoever has answered. 0, -EAGAIN: not now, -EMSGSIZE, -ECONNRESET: it is gone. libfabric has to be asked more than once for the first
// message to a peer.
int RdmDirectory::pass(const Known& known, std::span<const iovec> pieces) {
  if (bytes_in(pieces) > known.limit) return -EMSGSIZE;
  return fabric_.shared().send(*known.peer, known.id, known.cookie, pieces);
}

void RdmDirectory::transmit() {
  turn_.swap(ready_);
  for (const Key& key : turn_) {
    const auto entry = known_.find(key);
    if (entry != known_.end() && entry->second.peer != nullptr && !transmit_waiting(entry)) ready_.push_back(key);
  }
  turn_.clear();
}

// True when nothing waits any more.
bool RdmDirectory::transmit_waiting(Entry entry) {
  Known& known = entry->second;
  while (!known.waiting.empty()) {
    std::vector<std::uint8_t>& message = known.waiting.front();
    const iovec piece{message.data(), message.size()};
    const int error = pass(known, {&piece, 1});
    if (error == -EAGAIN) return false;
    if (error == -ECONNRESET) {
      forget(entry);
      return true;
    }
    if (error != 0) ++lost_;
    waiting_bytes_ -= message.size();
    known.waiting.pop_front();
  }
  return true;
}

void RdmDirectory::keep(Known& known, std::span<const iovec> pieces) {
  const std::size_t bytes = bytes_in(pieces);
  if (known.waiting.size() == kMostWaiting || waiting_bytes_ + bytes > kMostWaitingBytes) {
    ++lost_;
    return;
  }
  std::vector<std::uint8_t>& message = known.waiting.emplace_back();
  message.reserve(bytes);
  for (const iovec& piece : pieces) {
    const auto* const from = static_cast<const std::uint8_t*>(piece.iov_base);
    message.insert(message.end(), from, from + piece.iov_len);
  }
  waiting_bytes_ += bytes;
}

void RdmDirectory::forget(Entry entry) {
  Known& known = entry->second;
  fabric_.watches().remove(known.watched);
  if (known.peer != nullptr) fabric_.peers().part(known.name);
  lost_ += known.waiting.size();
  for (const auto& message : known.waiting) waiting_bytes_ -= message.size();
  // Whoever has the address next is asked first.
  std::erase(ready_, entry->first);
  known_.erase(entry);
}

}  // namespace demi::rdma
