// Datagrams over shm: they find who has an address and notice when it is somebody else, keep to their limits, and are lost rather than in
// anybody's way.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "datagram_socket.hpp"
#include "raw_shm_peer.hpp"
#include "rdm_datagrams.hpp"
#include "rdm_directory.hpp"
#include "seed.hpp"

namespace datagram_test {

using namespace demi::rdma;
using namespace demi::rdma::test;
using demi::Address;
using demi::Qd;
using demi::Qt;

namespace {

bool same(const Address& a, const Address& b) { return a.family == b.family && a.port == b.port && a.bytes == b.bytes; }

Address address_of(Libos& os, const Completion& popped) { return os.app().arena().address(popped.value); }

std::string pop_text(Libos& os, Qd qd) { return os.take(os.wait(os.pop(qd))); }

// A push that goes through, to a peer that is asked for with it.
void send(Libos& os, Qd qd, std::string_view text, const Address& to) {
  REQUIRE(os.wait(os.push_to(qd, text, to)).result == static_cast<int>(text.size()));
}

Bytes datagram(std::string_view text, std::uint8_t family = 4, std::uint16_t port = 7) {
  Bytes out{family, 0, static_cast<std::uint8_t>(port), static_cast<std::uint8_t>(port >> 8), 127, 0, 0, 1};
  out.resize(DatagramHeader::kBytes);
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

// Ports without sockets.
struct Ignore final : public DatagramEvents {
  void on_datagram(const Address&, std::span<const std::uint8_t>) override { ++count; }
  void on_paused() override { FAIL("out of descriptors"); }
  std::size_t count = 0;
};

// Each port has four descriptors here.
void allow_descriptors(rlim_t count) {
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur >= count) return;
  limit.rlim_cur = count;
  REQUIRE_MESSAGE(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "needs ulimit -Hn " << count);
}

// A port that is nobody's when this process has left it: below those that are given to whoever names none, as other processes do meanwhile.
std::uint16_t own_port() { return static_cast<std::uint16_t>(20000 + ::getpid() % 8192); }

}  // namespace

TEST_CASE("datagrams go both ways between libOSes, in order, with the sender's address") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback);
  const Qd at_a = a.datagram_socket();
  const Qd at_b = b.datagram_socket();
  for (std::uint32_t i = 0; i < 200; ++i) {
    const std::string text = message(i, 1 + 20 * i);
    send(a, at_a, text, b.address(at_b));
    Completion popped = b.wait(b.pop(at_b));
    CHECK(same(address_of(b, popped), a.address(at_a)));
    const std::string got = b.take(popped);
    REQUIRE(got == text);
    send(b, at_b, got, a.address(at_a));
    popped = a.wait(a.pop(at_a));
    CHECK(same(address_of(a, popped), b.address(at_b)));
    REQUIRE(a.take(popped) == text);
  }
  a.close(at_a);
  b.close(at_b);
  a.check_clean();
  b.check_clean();
  CHECK(a.stat("datagramsLost") == 0);
  CHECK(b.stat("datagramsLost") == 0);
}

TEST_CASE("a port that is taken over by another libOS is found again, and a stranger's port is nobody's") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback);
  Libos c(loopback);
  const Qd at_a = a.datagram_socket();
  Qd server = b.datagram_socket(own_port());
  const Address to = b.address(server);
  send(a, at_a, "to b", to);
  CHECK(pop_text(b, server) == "to b");
  b.close(server);
  // Soon nobody has it: who is not connected does not hear of that.
  REQUIRE(loopback.until([&] {
    send(a, at_a, "to nobody", to);
    return a.stat("datagramsLost") == 1;
  }));
  server = c.datagram_socket(to.port);
  send(a, at_a, "to c", to);
  CHECK(pop_text(c, server) == "to c");
  c.close(server);
  // Who is connected does.
  REQUIRE(a.wait(a.connect(at_a, to)).result == 0);
  REQUIRE(loopback.until([&] { return a.wait(a.push(at_a, "to nobody")).result == -ECONNREFUSED; }));
  a.close(at_a);
  a.check_clean();
  b.check_clean();
  c.check_clean();
}

TEST_CASE("a libOS that ends takes its ports along, and those who know them forget them") {
  Loopback loopback("shm");
  Libos a(loopback);
  const Qd at_a = a.datagram_socket();
  const std::size_t descriptors = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    auto b = std::make_unique<Libos>(loopback);
    const Qd at_b = b->datagram_socket(own_port());
    const Address to = b->address(at_b);
    send(a, at_a, "hello", to);
    CHECK(pop_text(*b, at_b) == "hello");
    send(*b, at_b, "hello", a.address(at_a));
    CHECK(pop_text(a, at_a) == "hello");
    b.reset();
    send(a, at_a, "to nobody", to);
  }
  CHECK(loopback.until([&] { return open_descriptors() == descriptors; }, 10));
  CHECK(a.stat("datagramsLost") == 20);
  a.close(at_a);
  a.check_clean();
}

TEST_CASE("a socket that is connected hears nobody else") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback);
  const Qd friendly = b.datagram_socket();
  const Qd stranger = b.datagram_socket();
  const Qd at_a = a.datagram_socket();
  REQUIRE(a.wait(a.connect(at_a, b.address(friendly))).result == 0);
  send(b, stranger, "psst", a.address(at_a));
  send(b, friendly, "hello", a.address(at_a));
  CHECK(pop_text(a, at_a) == "hello");
  for (const Qd qd : {friendly, stranger}) b.close(qd);
  a.close(at_a);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("the longest datagram arrives, one byte more is EMSGSIZE, also when it is the receiver who has less room") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback, demi::Config{{"slot", "1024"}});
  const Qd at_a = a.datagram_socket();
  const Qd other = a.datagram_socket();
  const Qd at_b = b.datagram_socket();
  const std::size_t most = 4096 - 8 - DatagramHeader::kBytes;
  send(a, at_a, message(1, most), a.address(other));
  CHECK(pop_text(a, other) == message(1, most));
  CHECK(a.wait(a.push_to(at_a, message(1, most + 1), a.address(other))).result == -EMSGSIZE);
  const std::size_t less = 1024 - DatagramHeader::kBytes;
  send(a, at_a, message(2, less), b.address(at_b));
  CHECK(pop_text(b, at_b) == message(2, less));
  CHECK(a.wait(a.push_to(at_a, message(2, less + 1), b.address(at_b))).result == -EMSGSIZE);
  // Of what it receives, that is: it sends what the other has room for.
  send(b, at_b, message(3, most), a.address(at_a));
  CHECK(pop_text(a, at_a) == message(3, most));
  a.close(at_a);
  a.close(other);
  b.close(at_b);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("of those that nobody pops 1024 are kept for a socket, and an eighth of all receives for connections") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback, demi::Config{{"receives", "4096"}});
  const Qd from = a.datagram_socket();
  std::vector<Qd> sockets;
  for (int i = 0; i < 5; ++i) {
    sockets.push_back(b.datagram_socket());
    send(a, from, "known from now on", b.address(sockets.back()));
    CHECK(pop_text(b, sockets.back()) == "known from now on");
  }
  constexpr std::size_t kEach = DatagramSocket::kMostArrived + 20;
  for (const Qd to : sockets) {
    for (std::size_t n = 0; n < kEach; ++n) send(a, from, "x" + std::to_string(n), b.address(to));
  }
  // Three sockets full, the fourth until an eighth is left, the fifth empty.
  const double most = 4096 - 4096.0 / DatagramSocket::kReserve + 1;
  CHECK(loopback.until([&] { return b.stat("datagramsLost") == sockets.size() * kEach - most; }, 10));
  CHECK(a.stat("datagramsLost") == 0);
  CHECK(b.stat("receivesFree") == 4096 - most);
  // A connection still comes about.
  const auto [client, server] = connection(a, b);
  a.push(client, "hello");
  CHECK(pop_text(b, server) == "hello");
  // The first ones are there, and in order.
  for (std::size_t n = 0; n < DatagramSocket::kMostArrived; ++n)
    REQUIRE(pop_text(b, sockets[0]) == "x" + std::to_string(n));
  for (const Qd qd : sockets) b.close(qd);
  a.close(client);
  b.close(server);
  a.close(from);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("while an address is asked for, 64 datagrams to it wait, and the rest is lost") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback);
  const Qd from = a.datagram_socket();
  const Qd to = b.datagram_socket();
  // Before anybody is driven.
  std::vector<Qt> pushes;
  for (std::size_t n = 0; n < RdmDirectory::kMostWaiting + 10; ++n)
    pushes.push_back(a.push_to(from, std::to_string(n), b.address(to)));
  a.runtime().submit();
  for (const Qt qt : pushes) CHECK(a.wait(qt).result > 0);
  for (std::size_t n = 0; n < RdmDirectory::kMostWaiting; ++n) REQUIRE(pop_text(b, to) == std::to_string(n));
  CHECK(a.stat("datagramsLost") == 10);
  a.close(from);
  b.close(to);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("what waits for all addresses together has at most 1 MiB") {
  Loopback loopback("shm");
  Libos a(loopback);
  Libos b(loopback);
  const Qd from = a.datagram_socket();
  const std::size_t longest = 4096 - 8 - DatagramHeader::kBytes;
  const std::size_t kept = RdmDirectory::kMostWaitingBytes / (longest + DatagramHeader::kBytes);
  std::vector<Qd> sockets;
  std::vector<Qt> pushes;
  // Before anybody is driven; to none of them as many as may wait for one.
  for (int i = 0; i < 5; ++i) {
    sockets.push_back(b.datagram_socket());
    for (std::size_t n = 0; n < RdmDirectory::kMostWaiting - 4; ++n)
      pushes.push_back(a.push_to(from, message(static_cast<std::uint32_t>(n), longest), b.address(sockets.back())));
  }
  REQUIRE(pushes.size() > kept);
  a.runtime().submit();
  for (const Qt qt : pushes) CHECK(a.wait(qt).result > 0);
  CHECK(a.stat("datagramsLost") == pushes.size() - kept);
  std::size_t left = kept;
  for (const Qd to : sockets) {
    for (std::size_t n = 0; n < RdmDirectory::kMostWaiting - 4 && left != 0; ++n, --left)
      REQUIRE(pop_text(b, to) == message(static_cast<std::uint32_t>(n), longest));
  }
  // All of it can be had again.
  send(a, from, "one more", b.address(sockets.back()));
  Completion popped = b.wait(b.pop(sockets.back()));
  CHECK(b.take(popped) == "one more");
  a.close(from);
  for (const Qd qd : sockets) b.close(qd);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("1024 addresses are known at once, and one that had to make room is asked for again") {
  allow_descriptors(6000);
  auto here = shm_fabric();
  auto there = shm_fabric();
  const std::size_t before = open_descriptors();
  Ignore events;
  int error = 0;
  Address any;
  REQUIRE(Address::parse("127.0.0.1", 0, any) == 0);
  {
    const auto from = here->datagrams(any, events, error);
    REQUIRE(from);
    std::vector<std::unique_ptr<DatagramPort>> ports;
    std::uint8_t byte = 1;
    const iovec piece{&byte, 1};
    std::size_t sent = 0;
    const auto send_to = [&](const DatagramPort& port) {
      Address to;
      REQUIRE(port.local_address(to) == 0);
      REQUIRE(from->send(to, {&piece, 1}) == 0);
      ++sent;
      for (int i = 0; i < 1'000'000 && events.count != sent; ++i) {
        here->poll();
        there->poll();
      }
      REQUIRE(events.count == sent);
    };
    for (std::size_t i = 0; i < RdmDirectory::kMostKnown; ++i) {
      ports.push_back(there->datagrams(any, events, error));
      REQUIRE(ports.back());
      send_to(*ports.back());
    }
    const std::size_t full = open_descriptors();
    // The second has been used least recently then.
    send_to(*ports[0]);
    ports.push_back(there->datagrams(any, events, error));
    REQUIRE(ports.back());
    send_to(*ports.back());
    for (int i = 0; i < 100'000 && open_descriptors() != full + 2; ++i) there->poll();
    CHECK(open_descriptors() == full + 2);  // the port's own: its rendezvous has taken the place of another
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}, RdmDirectory::kMostKnown}) send_to(*ports[i]);
    CHECK(here->datagrams_lost() == 0);
    CHECK(there->datagrams_lost() == 0);
  }
  here.reset();
  there.reset();
  CHECK(open_descriptors() < before);
}

TEST_CASE("256 who asked are remembered, and one more takes the place of the oldest") {
  allow_descriptors(2000);
  Loopback loopback("shm");
  Libos os(loopback);
  const Qd qd = os.datagram_socket();
  auto memory = shm_fabric();
  std::vector<std::unique_ptr<RawRendezvous>> callers;
  const auto ask = [&] {
    callers.push_back(std::make_unique<RawRendezvous>(os.address(qd), Service::kDatagrams));
    REQUIRE(callers.back()->send(RawIntroduction{.name = memory->name()}.bytes()));
    std::optional<Bytes> answer;
    REQUIRE(loopback.until([&] { return (answer = callers.back()->receive()).has_value(); }));
    REQUIRE(introduction(*answer));
    CHECK(introduction(*answer)->kind == kAccept);
  };
  for (std::size_t i = 0; i < RdmDatagramPort::kMostCallers; ++i) ask();
  loopback.turns(5000);
  CHECK(!callers.front()->over());
  ask();
  CHECK(loopback.until([&] { return callers.front()->over(); }, 5));
  CHECK(!callers[1]->over());
  os.close(qd);
  CHECK(loopback.until([&] { return callers.back()->over(); }, 5));
  os.check_clean();
}

TEST_CASE("hostile shm: what is no datagram is counted and dropped, and the next one arrives") {
  Loopback loopback("shm");
  Libos os(loopback, demi::Config{{"receives", "2048"}});
  const Qd qd = os.datagram_socket();
  RawShmPeer peer(loopback, os.address(qd), {}, Service::kDatagrams);
  const Bytes good = datagram("hello");
  Bytes reserved = good;
  reserved[1] = 1;
  const std::vector<std::pair<std::string, Bytes>> cases{
      {"nothing", {}},
      {"a header alone", Bytes(good.begin(), good.begin() + DatagramHeader::kBytes)},
      {"half a header", Bytes(good.begin(), good.begin() + 10)},
      {"no family", datagram("x", 0)},
      {"another family", datagram("x", 6)},
      {"an unknown family", datagram("x", 5)},
      {"no port", datagram("x", 4, 0)},
      {"a reserved byte", reserved},
  };
  double lost = 0;
  for (const auto& [name, bytes] : cases) {
    INFO(name);
    REQUIRE(loopback.until([&] { return peer.send(bytes); }));
    REQUIRE(peer.send(good));
    CHECK(pop_text(os, qd) == "hello");
    CHECK(os.stat("datagramsLost") == ++lost);
  }
  // To a port that is not there, and of somebody who does not know the cookie.
  REQUIRE(peer.send(peer.id + 1, peer.cookie, good));
  REQUIRE(peer.send(peer.id, peer.cookie ^ 1, good));
  REQUIRE(peer.send(good));
  CHECK(pop_text(os, qd) == "hello");
  CHECK(os.stat("datagramsLost") == lost + 2);

  demi::test::Random random(demi::test::seed("hostile shm: datagrams"));
  std::size_t before = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (i == 2000) before = heap_bytes();
    Bytes bytes(random.below(4000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.bits());
    if (random.one_in(2)) std::copy_n(good.begin(), std::min(bytes.size(), good.size()), bytes.begin());
    const std::uint32_t id = random.one_in(4) ? random.bits() : peer.id;
    REQUIRE(loopback.until([&] { return peer.send(id, peer.cookie, bytes); }));
  }
  CHECK(heap_bytes() < before + (1u << 20));
  // What made sense waits to be popped: as much as is kept.
  loopback.turns(2000);
  const Qt pop = os.pop(qd);
  std::size_t kept = 0;
  for (Completion c = os.wait(pop); kept < DatagramSocket::kMostArrived; c = os.wait(os.pop(qd))) {
    os.take(c);
    if (++kept == DatagramSocket::kMostArrived) break;
  }
  REQUIRE(loopback.until([&] { return peer.send(good); }));
  CHECK(pop_text(os, qd) == "hello");
  os.close(qd);
  os.check_clean();
}

TEST_CASE("hostile shm: a port answers no answer, and who says nothing is hung up on") {
  Loopback loopback("shm");
  Libos os(loopback);
  const Qd qd = os.datagram_socket();
  auto memory = shm_fabric();
  const std::size_t descriptors = open_descriptors();
  {
    RawRendezvous silent(os.address(qd), Service::kDatagrams);
    RawRendezvous accepting(os.address(qd), Service::kDatagrams);
    RawRendezvous babbling(os.address(qd), Service::kDatagrams);
    REQUIRE(accepting.send(RawIntroduction{.kind = kAccept, .name = memory->name()}.bytes()));
    REQUIRE(babbling.send(Bytes(300, 0xff)));
    CHECK(loopback.until([&] { return accepting.over() && babbling.over(); }, 5));
    CHECK(loopback.until([&] { return silent.over(); }, 10));
  }
  CHECK(open_descriptors() == descriptors);
  os.close(qd);
  os.check_clean();
}

TEST_CASE("hostile shm: whoever has an address and answers nonsense when asked is forgotten, with what waited for it") {
  Loopback loopback("shm");
  Libos os(loopback);
  const Qd qd = os.datagram_socket();
  RawRendezvousListener listener(Service::kDatagrams);
  auto memory = shm_fabric();
  const std::size_t descriptors = open_descriptors();
  const std::vector<std::pair<std::string, Bytes>> answers{
      {"garbage", Bytes(100, 0xff)},
      {"a hello", RawIntroduction{.kind = kHello, .name = memory->name(), .data = Bytes(4)}.bytes()},
      {"a rejection", RawIntroduction{.kind = kReject, .name = "", .data = Bytes(1)}.bytes()},
      {"no limit", RawIntroduction{.kind = kAccept, .name = memory->name(), .data = {}}.bytes()},
      {"memory that is not there", RawIntroduction{.kind = kAccept, .data = Bytes(4)}.bytes()},
      {"nothing", {}},
  };
  double lost = 0;
  for (const auto& [name, answer] : answers) {
    INFO(name);
    send(os, qd, "hello", listener.address);
    std::optional<RawRendezvous> rendezvous;
    REQUIRE(loopback.until([&] { return (rendezvous = listener.accept()).has_value(); }));
    if (answer.empty()) {
      rendezvous->close();
    } else {
      REQUIRE(rendezvous->send(answer));
    }
    CHECK(loopback.until([&] { return os.stat("datagramsLost") == lost + 1; }, 5));
    ++lost;
  }
  CHECK(open_descriptors() == descriptors);
  os.close(qd);
  os.check_clean();
}

TEST_CASE("hostile shm: whoever answers and takes nothing in keeps 64 waiting, and what waits goes to nobody else") {
  Loopback loopback("shm");
  Libos os(loopback);
  const Qd qd = os.datagram_socket();
  RawRendezvousListener listener(Service::kDatagrams);
  double lost = 0;
  for (int round = 0; round < 3; ++round) {
    // Never polled: libfabric goes on saying EAGAIN.
    auto memory = shm_fabric();
    send(os, qd, "0", listener.address);
    std::optional<RawRendezvous> rendezvous;
    REQUIRE(loopback.until([&] { return (rendezvous = listener.accept()).has_value(); }));
    REQUIRE(rendezvous->send(RawIntroduction{.kind = kAccept, .name = memory->name(), .data = {0, 16, 0, 0}}.bytes()));
    loopback.turns(5000);
    for (std::size_t n = 1; n < RdmDirectory::kMostWaiting + 10; ++n) send(os, qd, std::to_string(n), listener.address);
    CHECK(os.stat("datagramsLost") == lost + 10);
    rendezvous->close();
    lost += 10 + RdmDirectory::kMostWaiting;
    CHECK(loopback.until([&] { return os.stat("datagramsLost") == lost; }, 5));
  }
  os.close(qd);
  os.check_clean();
}

}  // namespace datagram_test
