#include "raw_shm_peer.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

namespace demi::rdma::test {

namespace {

// As native/rendezvous.cc has it.
std::string space_of(Service service) { return service == Service::kConnections ? "demikernel/" : "demikernel-udp/"; }

constexpr std::size_t kFixed = 35;

sockaddr_un abstract(const std::string& name, socklen_t& length) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  std::memcpy(out.sun_path + 1, name.data(), name.size());
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return out;
}

OwnFd packets() {
  OwnFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  REQUIRE(fd.get() >= 0);
  return fd;
}

std::uint32_t number(const Bytes& bytes, std::size_t at, std::size_t length) {
  std::uint32_t out = 0;
  for (std::size_t i = length; i-- > 0;) out = out << 8 | bytes[at + i];
  return out;
}

}  // namespace

Bytes RawIntroduction::bytes() const {
  Bytes out{'D', 'm', 'R', '1', kind};
  out.push_back(name_bytes.value_or(static_cast<std::uint8_t>(name.size())));
  append(out, data_bytes.value_or(static_cast<std::uint16_t>(data.size())), 2);
  append(out, id, 4);
  append(out, cookie, 4);
  out.push_back(family);
  append(out, 40000, 2);
  const Bytes loopback{127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  out.insert(out.end(), loopback.begin(), loopback.end());
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

std::optional<RawIntroduction> introduction(const Bytes& packet) {
  if (packet.size() < kFixed || std::string(packet.begin(), packet.begin() + 4) != "DmR1") return std::nullopt;
  const std::size_t name = packet[5];
  if (packet.size() != kFixed + name + number(packet, 6, 2)) return std::nullopt;
  const auto at = packet.begin() + kFixed;
  RawIntroduction out;
  out.kind = packet[4];
  out.id = number(packet, 8, 4);
  out.cookie = number(packet, 12, 4);
  out.family = packet[16];
  out.name.assign(at, at + static_cast<std::ptrdiff_t>(name));
  out.data.assign(at + static_cast<std::ptrdiff_t>(name), packet.end());
  return out;
}

// ---- rendezvous -----------------------------------------------------------------------------------------------------

RawRendezvous::RawRendezvous(const Address& to, Service service) : fd_(packets()) {
  socklen_t length = 0;
  const sockaddr_un at = abstract(space_of(service) + to.host() + ":" + std::to_string(to.port), length);
  REQUIRE(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&at), length) == 0);
}

bool RawRendezvous::send(const Bytes& packet, int descriptor) {
  iovec bytes{const_cast<std::uint8_t*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  return ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL) >= 0;
}

std::optional<Bytes> RawRendezvous::receive() {
  over();
  if (packets_.empty()) return std::nullopt;
  Bytes out = std::move(packets_.front());
  packets_.pop_front();
  return out;
}

bool RawRendezvous::over() {
  while (!over_) {
    Bytes packet(4096);
    const ssize_t n = ::recv(fd_.get(), packet.data(), packet.size(), 0);
    if (n < 0 && errno == EAGAIN) break;
    over_ = n <= 0;
    if (over_) break;
    packet.resize(static_cast<std::size_t>(n));
    packets_.push_back(std::move(packet));
  }
  return over_;
}

RawRendezvousListener::RawRendezvousListener(Service service) : fd_(packets()) {
  // A port below those that are chosen, so that nobody has it.
  REQUIRE(Address::parse("127.0.0.1", 1111, address) == 0);
  socklen_t length = 0;
  const sockaddr_un at = abstract(space_of(service) + "127.0.0.1:1111", length);
  REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&at), length) == 0);
  REQUIRE(::listen(fd_.get(), 16) == 0);
}

std::optional<RawRendezvous> RawRendezvousListener::accept() {
  const int fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? std::nullopt : std::optional<RawRendezvous>(fd);
}

// ---- messages -------------------------------------------------------------------------------------------------------

std::unique_ptr<RdmFabric> shm_fabric() {
  FabricOptions options;
  options.provider = "shm";
  options.works = 64;
  std::string message;
  int error = 0;
  auto fabric = RdmFabric::open(options, 4096, message, error);
  REQUIRE_MESSAGE(fabric, message);
  return fabric;
}

RawShmPeer::RawShmPeer(Loopback& loopback, const Address& to, const RawHandshake& handshake, Service service)
    : rendezvous(to, service), loopback_(loopback), fabric_(shm_fabric()) {
  REQUIRE(rendezvous.send(RawIntroduction{.name = fabric_->name(), .data = handshake.bytes()}.bytes()));
  std::optional<Bytes> packet;
  REQUIRE(loopback_.until([&] { return (packet = rendezvous.receive()).has_value(); }));
  const auto answer = introduction(*packet);
  REQUIRE(answer);
  REQUIRE(answer->kind == kAccept);
  id = answer->id;
  cookie = answer->cookie;
  name_ = answer->name;
  peer_ = fabric_->peers().meet(name_);
  REQUIRE(peer_ != nullptr);
  loopback_.add(*this);
}

RawShmPeer::~RawShmPeer() {
  loopback_.remove(*this);
  fabric_->peers().part(name_);
}

bool RawShmPeer::send(std::uint32_t to, std::uint32_t knows, const Bytes& message) {
  const iovec piece{const_cast<std::uint8_t*>(message.data()), message.size()};
  return fabric_->shared().send(*peer_, to, knows, {&piece, 1}) == 0;
}

void RawShmPeer::turn() { fabric_->poll(); }

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::size_t ServedOverShm::descriptors() {
  still_serves();
  REQUIRE(loopback.until(
      [&] { return service.connections() == 0 && os.stat("leaving") == 0 && client.stat("leaving") == 0; }));
  return open_descriptors();
}

void ServedOverShm::check_rest(std::size_t descriptors) {
  loopback.until([&] {
    return service.connections() == 0 && os.stat("leaving") == 0 && os.stat("postedReceives") == 0 &&
           open_descriptors() == descriptors;
  });
  CHECK(service.connections() == 0);
  CHECK(os.stat("leaving") == 0);
  CHECK(os.stat("postedReceives") == 0);
  CHECK(open_descriptors() == descriptors);
  still_serves();
}

}  // namespace demi::rdma::test
