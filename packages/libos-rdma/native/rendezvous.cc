#include "rendezvous.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <random>
#include <utility>

#include "region_file.hpp"

namespace demi::rdma {

namespace {

constexpr std::array<std::uint8_t, 4> kRendezvousMagic{'D', 'm', 'R', '1'};
// magic, kind, name length, data length, id, cookie, family, port, address
constexpr std::size_t kFixed = 4 + 1 + 1 + 2 + 4 + 4 + 1 + 2 + 16;
constexpr std::uint16_t kFirstEphemeral = 32768;
constexpr int kTries = 1000;

sockaddr_un name_of(const Address& at, Service service, socklen_t& length) {
  const char* const space = service == Service::kConnections ? "demikernel/" : "demikernel-udp/";
  const std::string text = space + at.host() + ":" + std::to_string(at.port);
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  // The first byte stays 0: the abstract space.
  std::copy_n(text.begin(), std::min(text.size(), sizeof out.sun_path - 1), out.sun_path + 1);
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  return out;
}

OwnFd packets() { return OwnFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

template <typename T>
void put(std::vector<std::uint8_t>& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <typename T>
T get(const std::uint8_t*& from) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = static_cast<T>(value | static_cast<T>(*from++) << (8 * i));
  return value;
}

}  // namespace

OwnFd::~OwnFd() {
  if (fd_ >= 0) ::close(fd_);
}
int OwnFd::release() { return std::exchange(fd_, -1); }
OwnFd& OwnFd::operator=(OwnFd&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = other.release();
  return *this;
}

std::vector<std::uint8_t> Introduction::encode() const {
  std::vector<std::uint8_t> out(kRendezvousMagic.begin(), kRendezvousMagic.end());
  put(out, static_cast<std::uint8_t>(kind));
  put(out, static_cast<std::uint8_t>(name.size()));
  put(out, static_cast<std::uint16_t>(data.size()));
  put(out, id);
  put(out, cookie);
  put(out, address.family);
  put(out, address.port);
  out.insert(out.end(), address.bytes.begin(), address.bytes.end());
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

std::optional<Introduction> Introduction::decode(std::span<const std::uint8_t> packet) {
  if (packet.size() < kFixed || !std::equal(kRendezvousMagic.begin(), kRendezvousMagic.end(), packet.begin()))
    return std::nullopt;
  const std::uint8_t* at = packet.data() + kRendezvousMagic.size();
  Introduction out;
  const auto kind = get<std::uint8_t>(at);
  const std::size_t name = get<std::uint8_t>(at);
  const std::size_t data = get<std::uint16_t>(at);
  if (kind < 1 || kind > 3 || packet.size() > kMostBytes || packet.size() != kFixed + name + data) return std::nullopt;
  out.kind = static_cast<Kind>(kind);
  out.id = get<std::uint32_t>(at);
  out.cookie = get<std::uint32_t>(at);
  out.address.family = get<std::uint8_t>(at);
  out.address.port = get<std::uint16_t>(at);
  std::copy_n(at, out.address.bytes.size(), out.address.bytes.begin());
  at += out.address.bytes.size();
  out.name.assign(at, at + name);
  out.data.assign(at + name, at + name + data);
  if (out.kind == Kind::kReject) return out;
  // The name goes on to libfabric, which maps whatever file of this user's is called so.
  if (!is_region_name(out.name) || (out.address.family != 4 && out.address.family != 6)) return std::nullopt;
  return out;
}

OwnFd listen_at(Address& at, Service service, int backlog, int& error) {
  OwnFd fd = packets();
  error = -errno;
  if (fd.get() < 0) return fd;
  const bool choose = at.port == 0;
  std::minstd_rand random{std::random_device{}()};
  for (int tries = 0; tries < (choose ? kTries : 1); ++tries) {
    if (choose) at.port = static_cast<std::uint16_t>(kFirstEphemeral + random() % (65536 - kFirstEphemeral));
    socklen_t length = 0;
    const sockaddr_un name = name_of(at, service, length);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0) {
      error = backlog == 0 || ::listen(fd.get(), backlog) == 0 ? 0 : -errno;
      return fd;
    }
    error = -errno;
    if (error != -EADDRINUSE) break;
  }
  return OwnFd();
}

OwnFd connect_to(const Address& to, Service service, int& error) {
  Address any;
  any.family = to.family;
  any.port = to.port;
  for (const Address& at : {to, any}) {
    OwnFd fd = packets();
    error = -errno;
    if (fd.get() < 0) return fd;
    socklen_t length = 0;
    const sockaddr_un name = name_of(at, service, length);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), length) == 0) {
      error = same_user(fd.get()) ? 0 : -EACCES;
      return error == 0 ? std::move(fd) : OwnFd();
    }
    error = errno == EAGAIN ? -ECONNREFUSED : -errno;
    if (error != -ECONNREFUSED) break;
  }
  return OwnFd();
}

int send_introduction(int fd, const Introduction& introduction) {
  const auto packet = introduction.encode();
  return ::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int receive_introduction(int fd, Introduction& out) {
  std::array<std::uint8_t, Introduction::kMostBytes + 1> packet;
  const ssize_t n = ::recv(fd, packet.data(), packet.size(), 0);
  if (n < 0) return errno == EAGAIN ? -EAGAIN : -ECONNRESET;
  if (n == 0) return -ECONNRESET;
  auto decoded = Introduction::decode({packet.data(), static_cast<std::size_t>(n)});
  if (!decoded) return -EPROTO;
  out = std::move(*decoded);
  return 0;
}

bool same_user(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == ::geteuid();
}

bool peer_ended(int fd) {
  std::uint8_t byte = 0;
  const ssize_t n = ::recv(fd, &byte, 1, 0);
  // Nobody says anything after the introductions.
  return n >= 0 || (errno != EAGAIN && errno != EINTR);
}

}  // namespace demi::rdma
