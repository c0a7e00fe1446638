// Callers that mean harm, or are broken, written by hand on libfabric or with bytes that are not even its: a wrong handshake, silence, and
// leaving while they are being accepted. They get no connection, nobody else waits for them, and nothing of them stays.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "raw_peer.hpp"

namespace hostile_caller_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;

namespace {

// A TCP connection that says nothing, or what is given.
class Tcp {
 public:
  explicit Tcp(const demi::Address& to, const std::string& says = {}) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_storage storage;
    const socklen_t length = to.to_sockaddr(storage);
    REQUIRE(fd_ >= 0);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&storage), length) == 0);
    if (!says.empty()) (void)::send(fd_, says.data(), says.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ~Tcp() { ::close(fd_); }
  Tcp(const Tcp&) = delete;
  Tcp& operator=(const Tcp&) = delete;

 private:
  int fd_;
};

// Listens with the kernel's TCP, and never answers.
class SilentListener {
 public:
  SilentListener() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof any;
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&any), length) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    sockaddr_storage storage{};
    length = sizeof storage;
    REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length) == 0);
    address = demi::Address::from_sockaddr(storage);
  }
  ~SilentListener() { ::close(fd_); }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;
  demi::Address address;

 private:
  int fd_;
};

}  // namespace

// ---- the handshake --------------------------------------------------------------------------------------------------

TEST_CASE("a request with a wrong handshake is refused with its reason and counted, and service goes on") {
  Served s;
  const Bytes good = RawHandshake{}.bytes();
  const std::vector<Bytes> wrong{
      {},
      {0},
      Bytes(good.begin(), good.end() - 1),
      Bytes(16, 0),
      Bytes(16, 0xff),
      Bytes(200, 'D'),
      RawHandshake{.magic = 0x44656d69}.bytes(),
      RawHandshake{.version = 0}.bytes(),
      RawHandshake{.version = 2}.bytes(),
      RawHandshake{.reserved = 1}.bytes(),
      RawHandshake{.credits = 0}.bytes(),
      RawHandshake{.credits = 65535}.bytes(),
      RawHandshake{.buffer = 16}.bytes(),
      RawHandshake{.buffer = 0xffffffff}.bytes(),
      RawHandshake{.most_message = 0}.bytes(),
  };
  double refused = 0;
  for (const Bytes& handshake : wrong) {
    RawPeer peer(s.loopback);
    peer.connect(s.service.address(), handshake);
    REQUIRE(s.loopback.until([&] { return peer.over() || peer.connected; }));
    CHECK(peer.refused);
    CHECK(!peer.connected);
    REQUIRE(!peer.private_data.empty());
    CHECK(peer.private_data[0] == 1);
    CHECK(s.os.stat("requestsRefused") == ++refused);
  }
  CHECK(s.service.ends.empty());
  s.still_serves();
  RawPeer fine(s.loopback);
  RawPeer::connect_well(fine, s.service.address());
  CHECK(fine.private_data.size() >= 16);
  CHECK(demi::rdma::Handshake::decode(fine.private_data));
}

TEST_CASE("whoever accepts us with a wrong handshake, or rejects ours, gets no connection") {
  Loopback loopback;
  Libos os(loopback);
  const auto connect = [&](const std::function<void(RawPeer&)>& answer) {
    RawPeer peer(loopback);
    const Qd qd = os.socket();
    const Qt connect = os.connect(qd, peer.listen());
    REQUIRE(loopback.until([&] { return peer.requested(); }));
    CHECK(demi::rdma::Handshake::decode(peer.private_data));
    answer(peer);
    const int result = os.wait(connect).result;
    // It is no connection, and another attempt is allowed.
    CHECK(os.wait(os.pop(qd)).result == -ENOTCONN);
    os.close(qd);
    os.check_clean();
    return result;
  };
  for (const RawHandshake& wrong :
       {RawHandshake{.magic = 0}, RawHandshake{.version = 2}, RawHandshake{.credits = 0}, RawHandshake{.buffer = 63},
        RawHandshake{.buffer = 0xffffffff}, RawHandshake{.most_message = 0}}) {
    CHECK(connect([&](RawPeer& peer) { peer.accept(wrong.bytes()); }) == -EPROTO);
  }
  CHECK(connect([](RawPeer& peer) { peer.accept({}); }) == -EPROTO);
  CHECK(connect([](RawPeer& peer) { peer.accept(Bytes(200, 1)); }) == -EPROTO);
  CHECK(connect([](RawPeer& peer) { peer.reject({1}); }) == -EPROTO);
  for (const Bytes& data : {Bytes{}, Bytes{2}, Bytes{3}, Bytes(200, 77)})
    CHECK(connect([&](RawPeer& peer) { peer.reject(data); }) == -ECONNREFUSED);
}

TEST_CASE("a peer that is silent in the handshake costs its own connection the time for it, and nobody else anything") {
  Served s;
  RawPeer hears(s.loopback);  // takes the request, and says nothing
  SilentListener deaf;        // not even that
  const std::vector<demi::Address> silent{hears.listen(), deaf.address};
  std::vector<std::unique_ptr<Tcp>> callers;  // connect to the service, and say nothing it could understand
  for (int i = 0; i < 50; ++i) callers.push_back(std::make_unique<Tcp>(s.service.address()));
  std::vector<Qd> sockets;
  std::vector<Qt> connects;
  for (const auto& address : silent) {
    sockets.push_back(s.client.socket());
    connects.push_back(s.client.connect(sockets.back(), address));
  }
  const auto start = std::chrono::steady_clock::now();
  int echoes = 0;
  while (!s.client.done(connects[0]) || !s.client.done(connects[1])) {
    s.still_serves();
    ++echoes;
    s.loopback.run(0.1);
    REQUIRE(std::chrono::steady_clock::now() < start + std::chrono::seconds(60));
  }
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(9));
  CHECK(echoes > 3);
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    CHECK(s.client.wait(connects[i]).result == -ETIMEDOUT);
    s.client.close(sockets[i]);
  }
  s.client.check_clean();
  callers.clear();
  s.still_serves();
}

TEST_CASE("requests beyond the backlog are refused with their reason") {
  Loopback loopback;
  Libos os(loopback);
  const Qd listener = os.listener(2);
  std::vector<std::unique_ptr<RawPeer>> peers;
  for (int i = 0; i < 5; ++i) {
    peers.push_back(std::make_unique<RawPeer>(loopback));
    peers.back()->connect(os.address(listener), RawHandshake{}.bytes());
    REQUIRE(loopback.until([&] { return peers.back()->connected || peers.back()->over(); }));
    CHECK(peers.back()->connected == (i < 2));
    if (i >= 2) CHECK(peers.back()->private_data.at(0) == 2);
  }
  CHECK(os.stat("requestsRefused") == 3);
  // Those that were taken are dead when they are accepted, and there is room for others.
  peers.clear();
  for (int i = 0; i < 2; ++i) {
    const Completion c = os.wait(os.accept(listener));
    REQUIRE(c.result == 0);
    CHECK(os.wait(os.pop(c.value)).result == -ECONNRESET);
    os.close(c.value);
  }
  RawPeer fine(loopback);
  RawPeer::connect_well(fine, os.address(listener));
  os.close(listener);
  CHECK(loopback.until([&] { return fine.over(); }));
  os.check_clean();
}

TEST_CASE("a peer that leaves while it is being accepted leaves nothing behind") {
  Served s;
  for (int turns = 0; turns < 12; ++turns) {
    RawPeer peer(s.loopback);
    peer.connect(s.service.address(), RawHandshake{}.bytes());
    s.loopback.turns(turns);
    peer.close();
    s.loopback.turns(20);
  }
  CHECK(s.loopback.until([&] { return s.service.connections() == 0 && s.os.stat("postedReceives") == 0; }, 20));
  s.still_serves();
}

TEST_CASE("bytes that are not even libfabric's do not stop the service") {
  Served s;
  for (int i = 0; i < 40; ++i) {
    const Tcp garbage(s.service.address(),
                      message(static_cast<std::uint32_t>(i), static_cast<std::size_t>(1 + i * 37)));
    s.loopback.turns(5);
  }
  s.still_serves();
}

// ---- again and again ------------------------------------------------------------------------------------------------

TEST_CASE("hundreds of broken connections cost no memory that stays") {
  Served s;
  std::size_t before = 0;
  for (int round = 0; round < 160; ++round) {
    if (round == 60) before = heap_bytes();
    RawPeer peer(s.loopback);
    if (round % 4 == 0) {
      peer.connect(s.service.address(), Bytes(16, 7));
    } else {
      RawPeer::connect_well(peer, s.service.address());
      if (round % 4 == 1) peer.send(Bytes(32, 9));
      if (round % 4 == 2) peer.send(RawHeader{.more = 1, .message = 1000}.bytes(100));
      if (round % 4 == 3) peer.send(end());
    }
    if (round % 4 < 2) {
      REQUIRE(s.loopback.until([&] { return peer.over(); }));
    } else {
      s.loopback.turns(30);
    }
    peer.close();
    if (round % 20 == 19)
      REQUIRE(s.loopback.until(
          [&] { return s.service.connections() == 0 && s.os.stat("leaving") == 0 && s.os.stat("postedReceives") == 0; },
          30));
  }
  CHECK(heap_bytes() < before + 65536);
  s.still_serves();
}

}  // namespace hostile_caller_test
