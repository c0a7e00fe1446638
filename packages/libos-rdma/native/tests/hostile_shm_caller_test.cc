// Callers over shm that mean harm, or are broken: on the rendezvous's Unix socket, which any process may connect to, with packets that are not
// what they say and names that are not theirs. They get no connection, nobody else waits for them, and nothing of them stays, descriptors
// included.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "raw_shm_peer.hpp"

namespace hostile_shm_caller_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;

namespace {

std::vector<Bytes> no_introductions(const std::string& right) {
  const Bytes good = RawIntroduction{.name = right}.bytes();
  std::vector<Bytes> out{{}, Bytes(1, 'D'), Bytes(60'000, 'D'), Bytes(good.size(), 0), Bytes(good.size(), 0xff)};
  for (std::size_t n = 1; n < good.size(); ++n) out.emplace_back(good.begin(), good.begin() + static_cast<long>(n));
  out.push_back(good);
  out.back().push_back(0);
  out.push_back(good);
  out.back()[0] = 'd';
  for (const std::uint8_t kind : {0, 2, 3, 4, 255}) out.push_back(RawIntroduction{.kind = kind, .name = right}.bytes());
  for (const std::uint8_t family : {0, 1, 5, 255})
    out.push_back(RawIntroduction{.family = family, .name = right}.bytes());
  for (const char* name :
       {"", "demikernel", "somebody-elses-memory", "/demikernel-1-0-1", "../demikernel-1-0-1",
        "fi_shm://demikernel-1-0-1", "demikernel-../../x", "demikernel-1 0", "demikernel-%n%n", "demikernel-1-0-1\n"})
    out.push_back(RawIntroduction{.name = name}.bytes());
  out.push_back(RawIntroduction{.name = std::string("demikernel-1\0-0", 15)}.bytes());
  // Lengths that are not those of the packet, and longer than any may be.
  out.push_back(RawIntroduction{.name = right, .name_bytes = std::uint8_t{255}}.bytes());
  out.push_back(RawIntroduction{.name = right, .name_bytes = std::uint8_t{0}}.bytes());
  out.push_back(RawIntroduction{.name = right, .data_bytes = std::uint16_t{65535}}.bytes());
  out.push_back(RawIntroduction{.name = right, .data_bytes = std::uint16_t{0}}.bytes());
  for (const std::size_t bytes : {458, 459, 460, 5000, 60'000})
    out.push_back(RawIntroduction{.name = right, .data = Bytes(bytes, 1)}.bytes());
  // Cut off where our buffer ends, it would be one.
  out.push_back(RawIntroduction{.name = right, .data = Bytes(5000, 1), .data_bytes = std::uint16_t{458}}.bytes());
  out.push_back(RawIntroduction{.name = right, .data = Bytes(5000, 1), .data_bytes = std::uint16_t{457}}.bytes());
  return out;
}

}  // namespace

// ---- the rendezvous -------------------------------------------------------------------------------------------------

TEST_CASE("shm: a packet that is no introduction ends its rendezvous without an answer") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  for (const Bytes& packet : no_introductions(s.memory->name())) {
    CAPTURE(packet.size());
    RawRendezvous caller(s.service.address());
    REQUIRE(caller.send(packet));
    REQUIRE(s.loopback.until([&] { return caller.over(); }));
    CHECK(!caller.receive());
  }
  CHECK(s.service.ends.size() == 1);  // that of descriptors()
  s.check_rest(descriptors);
}

TEST_CASE("shm: an introduction with a wrong handshake is refused with its reason and counted") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  double refused = 0;
  for (const Bytes& handshake : {Bytes{}, Bytes{0}, Bytes(16, 0), Bytes(200, 'D'), RawHandshake{.version = 2}.bytes(),
                                 RawHandshake{.credits = 0}.bytes(), RawHandshake{.buffer = 16}.bytes(),
                                 RawHandshake{.buffer = 0xffffffff}.bytes(), RawHandshake{.most_message = 0}.bytes()}) {
    RawRendezvous caller(s.service.address());
    REQUIRE(caller.send(RawIntroduction{.name = s.memory->name(), .data = handshake}.bytes()));
    REQUIRE(s.loopback.until([&] { return caller.over(); }));
    const auto packet = caller.receive();
    REQUIRE(packet);
    const auto answer = introduction(*packet);
    REQUIRE(answer);
    CHECK(answer->kind == kReject);
    CHECK(answer->data == Bytes{1});
    CHECK(s.os.stat("requestsRefused") == ++refused);
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: callers that say nothing are few, do not last, and keep nobody out") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  std::vector<RawRendezvous> callers;
  const std::size_t count = 1000;
  std::size_t held = 0;
  for (std::size_t i = 0; i < count; ++i) {
    callers.emplace_back(s.service.address());
    s.loopback.turns(40);
    held = std::max(held, open_descriptors() - descriptors - callers.size());
    if (i % 100 == 99) s.still_serves();
  }
  CHECK(held >= 200);
  CHECK(held <= 256 + 4);  // and the connections of still_serves()
  // Those who were silent for longest made room; the others have 5 s.
  CHECK(callers.front().over());
  CHECK(!callers.back().over());
  s.loopback.run(2);
  CHECK(!callers.back().over());
  CHECK(s.loopback.until([&] { return callers.back().over(); }, 30));
  for (RawRendezvous& caller : callers) CHECK(caller.over());
  callers.clear();
  s.check_rest(descriptors);
}

TEST_CASE("shm: while there is no descriptor for a caller it waits, and the libOS sleeps meanwhile") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  {
    RawRendezvous caller(s.service.address());
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    // Descriptors are given from the lowest: the next one is beyond the limit.
    const int next = ::dup(0);
    ::close(next);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(next), .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const bool paused = s.loopback.until([&] { return s.os.stat("acceptPaused") >= 3; });
    const bool sleeps = s.loopback.until([&] { return s.os.runtime().engines().prepare_sleep() != 0; });
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(paused);
    CHECK(sleeps);
    REQUIRE(caller.send(s.hello().bytes()));
    std::optional<Bytes> packet;
    REQUIRE(s.loopback.until([&] { return (packet = caller.receive()).has_value(); }));
    CHECK(introduction(*packet)->kind == kAccept);
    s.still_serves();
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: who speaks late, but in time, is served") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  {
    std::vector<RawRendezvous> callers;
    for (int i = 0; i < 3; ++i) callers.emplace_back(s.service.address());
    s.loopback.run(1);
    for (RawRendezvous& caller : callers) REQUIRE(caller.send(s.hello().bytes()));
    for (RawRendezvous& caller : callers) {
      std::optional<Bytes> packet;
      REQUIRE(s.loopback.until([&] { return (packet = caller.receive()).has_value(); }));
      CHECK(introduction(*packet)->kind == kAccept);
    }
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: whoever says more after the introduction is cut off") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  const Bytes hello = s.hello().bytes();
  for (const Bytes& more : {hello, RawIntroduction{.kind = kAccept}.bytes(), RawIntroduction{.kind = kReject}.bytes(),
                            Bytes{}, Bytes(1, 0), Bytes(60'000, 7)}) {
    for (const bool at_once : {true, false}) {
      RawRendezvous caller(s.service.address());
      REQUIRE(caller.send(hello));
      std::optional<Bytes> packet;
      if (!at_once) REQUIRE(s.loopback.until([&] { return (packet = caller.receive()).has_value(); }));
      REQUIRE(caller.send(more));
      REQUIRE(s.loopback.until([&] { return caller.over(); }));
    }
  }
  CHECK(s.service.ends[-ECONNRESET] == 12);
  s.check_rest(descriptors);
}

TEST_CASE("shm: descriptors that come along with a packet are not kept") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  {
    std::vector<RawRendezvous> callers;
    for (int i = 0; i < 50; ++i) {
      callers.emplace_back(s.service.address());
      int both[2];
      REQUIRE(::pipe(both) == 0);
      REQUIRE(callers.back().send(s.hello().bytes(), both[0]));
      REQUIRE(callers.back().send(Bytes(4, 4), both[1]));
      ::close(both[0]);
      ::close(both[1]);
    }
    s.loopback.run(0.2);
    CHECK(open_descriptors() <= descriptors + callers.size());
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: a caller that leaves at any step leaves nothing behind") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  for (int turns = 0; turns < 80; turns += 1 + turns / 8) {
    for (const bool speaks : {false, true}) {
      RawRendezvous caller(s.service.address());
      s.loopback.turns(turns % 16);
      if (speaks) REQUIRE(caller.send(s.hello().bytes()));
      s.loopback.turns(turns);
    }
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: callers beyond the backlog, and beyond the memory, are refused with their reason") {
  Loopback loopback("shm");
  Libos os(loopback, {{"receives", "256"}, {"credits", "16"}});
  const auto memory = shm_fabric();
  const auto flood = [&](int backlog, std::size_t fit, std::uint8_t reason) {
    const Qd listener = os.listener(backlog);
    const std::size_t before = open_descriptors();
    std::vector<RawRendezvous> callers;
    std::size_t accepted = 0;
    for (int i = 0; i < 200; ++i) {
      callers.emplace_back(os.address(listener));
      REQUIRE(callers.back().send(RawIntroduction{.name = memory->name()}.bytes()));
      std::optional<Bytes> packet;
      REQUIRE(loopback.until([&] { return (packet = callers.back().receive()).has_value(); }));
      const auto answer = introduction(*packet);
      REQUIRE(answer);
      if (answer->kind == kAccept) {
        ++accepted;
        continue;
      }
      CHECK(answer->kind == kReject);
      CHECK(answer->data == Bytes{reason});
      CHECK(loopback.until([&] { return callers.back().over(); }));
    }
    CHECK(accepted == fit);
    CHECK(open_descriptors() == before + callers.size() + accepted);
    os.close(listener);
    for (RawRendezvous& caller : callers) CHECK(loopback.until([&] { return caller.over(); }));
  };
  const std::size_t descriptors = open_descriptors();
  flood(8, 8, 2);
  os.check_clean();
  flood(1000, 256 / 19, 3);
  os.check_clean();
  CHECK(open_descriptors() == descriptors);
}

// ---- names ----------------------------------------------------------------------------------------------------------

TEST_CASE("shm: a caller whose memory is not there, or is nobody's any more, gets no connection") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  const std::string ended = shm_fabric()->name();
  const std::string unheld = "demikernel-1-0-" + std::to_string(::getpid());
  {
    const demi::rdma::OwnFd file(::open(("/dev/shm/" + unheld).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(file.get() >= 0);
  }
  std::size_t before = 0;
  for (int i = 0; i < 1500; ++i) {
    if (i == 500) before = heap_bytes();
    const std::string name = i == 0 ? ended : i == 1 ? unheld : "demikernel-1-" + std::to_string(i) + "-1";
    RawRendezvous caller(s.service.address());
    REQUIRE(caller.send(RawIntroduction{.name = name}.bytes()));
    REQUIRE(s.loopback.until([&] { return caller.over(); }));
    CHECK(!caller.receive());
    if (i % 100 == 0) s.still_serves();
  }
  ::unlink(("/dev/shm/" + unheld).c_str());
  CHECK(heap_bytes() < before + 65536);
  CHECK(s.os.stat("requestsRefused") == 1500);
  s.check_rest(descriptors);
}

TEST_CASE(
    "shm: a caller whose memory is gone before it is answered costs its own connection, and nobody else anything") {
  ServedOverShm s;
  const std::size_t descriptors = s.descriptors();
  for (const bool leaves : {true, false}) {
    const Qd listener = s.os.listener();
    const Qt accepted = s.os.accept(listener);
    auto memory = shm_fabric();
    RawRendezvous caller(s.os.address(listener));
    REQUIRE(caller.send(RawIntroduction{.name = memory->name()}.bytes()));
    const Qd qd = s.os.wait(accepted).value;
    memory.reset();
    const Qt pop = s.os.pop(qd);
    const Qt push = s.os.push(qd, "to nobody");
    s.still_serves();
    CHECK(!s.os.done(pop));
    if (leaves) caller.close();
    if (!leaves) s.os.close(qd);
    CHECK(s.os.wait(pop).result == (leaves ? -ECONNRESET : -ECANCELED));
    s.os.wait(push);
    if (leaves) s.os.close(qd);
    s.os.close(listener);
    CHECK(s.loopback.until([&] { return s.os.stat("leaving") == 0; }, 20));
  }
  s.check_rest(descriptors);
}

TEST_CASE("shm: more peers than libfabric has room for are refused, and the others go on") {
  ServedOverShm s(demi::Config{{"receives", "2048"}, {"credits", "1"}});
  const std::size_t descriptors = s.descriptors();
  for (int round = 0; round < 2; ++round) {
    std::vector<std::unique_ptr<demi::rdma::RdmFabric>> memories;
    std::vector<RawRendezvous> callers;
    std::size_t accepted = 0;
    for (int i = 0; i < 260; ++i) {
      memories.push_back(shm_fabric());
      callers.emplace_back(s.service.address());
      REQUIRE(callers.back().send(RawIntroduction{.name = memories.back()->name()}.bytes()));
      std::optional<Bytes> packet;
      REQUIRE(s.loopback.until([&] { return (packet = callers.back().receive()) || callers.back().over(); }));
      if (packet && introduction(*packet)->kind == kAccept) ++accepted;
    }
    CHECK(accepted == 255);
    callers.clear();
    REQUIRE(s.loopback.until([&] { return s.service.connections() == 0; }));
    memories.clear();
    s.check_rest(descriptors);
  }
}

TEST_CASE("shm: a caller that gives somebody else's name reaches nobody with it") {
  ServedOverShm s;
  Libos third(s.loopback);
  EchoService bystander(third);
  const std::size_t descriptors = s.descriptors();
  // The service's own, and a bystander's: as they say themselves.
  const auto name_of = [&](const demi::Address& address) {
    RawRendezvous caller(address);
    REQUIRE(caller.send(s.hello().bytes()));
    std::optional<Bytes> packet;
    REQUIRE(s.loopback.until([&] { return (packet = caller.receive()).has_value(); }));
    return introduction(*packet)->name;
  };
  for (const std::string& name : {name_of(s.service.address()), name_of(bystander.address())}) {
    for (std::uint32_t guess = 0; guess < 4; ++guess) {
      const Qd listener = s.os.listener();
      const Qt accepted = s.os.accept(listener);
      RawRendezvous caller(s.os.address(listener));
      REQUIRE(caller.send(RawIntroduction{.id = guess, .cookie = guess, .name = name}.bytes()));
      const Qd qd = s.os.wait(accepted).value;
      // It goes to the other, who knows nothing of such a connection.
      CHECK(s.os.wait(s.os.push(qd, "for the caller")).result == 14);
      s.loopback.turns(200);
      s.still_serves();
      s.os.close(qd);
      s.os.close(listener);
    }
  }
  CHECK(third.stat("badMessages") == 0);
  CHECK(s.os.stat("badMessages") == 0);
  echo_once(s.client, bystander.address());
  CHECK(s.loopback.until([&] { return bystander.connections() == 0 && s.client.stat("leaving") == 0; }));
  s.check_rest(descriptors);
}

// ---- whom we call ---------------------------------------------------------------------------------------------------

TEST_CASE("shm: whoever answers us wrongly, or not, gets no connection") {
  Loopback loopback("shm");
  Libos os(loopback);
  const auto memory = shm_fabric();
  const std::size_t descriptors = open_descriptors();
  {
    RawRendezvousListener listener;
    const auto connect = [&](const std::function<void(RawRendezvous&)>& answer) {
      const Qd qd = os.socket();
      const Qt connect = os.connect(qd, listener.address);
      auto peer = listener.accept();
      REQUIRE(peer);
      const auto hello = peer->receive();
      REQUIRE(hello);
      CHECK(introduction(*hello)->kind == kHello);
      answer(*peer);
      const int result = os.wait(connect).result;
      os.close(qd);
      os.check_clean();
      return result;
    };
    for (const Bytes& packet : no_introductions(memory->name())) {
      const auto said = introduction(packet);
      if (packet.empty() || (said && (said->kind == kAccept || said->kind == kReject) && packet.size() < 200)) continue;
      CAPTURE(packet.size());
      CHECK(connect([&](RawRendezvous& peer) { peer.send(packet); }) == -EPROTO);
    }
    CHECK(connect([&](RawRendezvous& peer) { peer.send(RawIntroduction{.name = memory->name()}.bytes()); }) == -EPROTO);
    for (const std::string& name : {std::string(), std::string("somebody-elses-memory"), "fi_shm://" + memory->name()})
      CHECK(connect([&](RawRendezvous& peer) { peer.send(RawIntroduction{.kind = kAccept, .name = name}.bytes()); }) ==
            -EPROTO);
    for (const Bytes& wrong : {Bytes{}, Bytes(16, 1), RawHandshake{.credits = 0}.bytes()})
      CHECK(connect([&](RawRendezvous& peer) {
              peer.send(RawIntroduction{.kind = kAccept, .name = memory->name(), .data = wrong}.bytes());
            }) == -EPROTO);
    const auto reject = [&](const Bytes& data) {
      return connect(
          [&](RawRendezvous& peer) { peer.send(RawIntroduction{.kind = kReject, .name = "", .data = data}.bytes()); });
    };
    CHECK(reject({1}) == -EPROTO);
    for (const Bytes& data : {Bytes{}, Bytes{2}, Bytes{3}, Bytes(200, 77)}) CHECK(reject(data) == -ECONNREFUSED);
    CHECK(connect([](RawRendezvous& peer) { peer.close(); }) == -ECONNREFUSED);
    CHECK(connect([](RawRendezvous& peer) { peer.send({}); }) == -ECONNREFUSED);
    const auto start = std::chrono::steady_clock::now();
    CHECK(connect([](RawRendezvous&) {}) == -ETIMEDOUT);
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(9));
    // Accepted twice: the second answer is more than there is to say.
    const Qd qd = os.socket();
    const Qt connected = os.connect(qd, listener.address);
    auto peer = listener.accept();
    REQUIRE(peer);
    for (int i = 0; i < 2; ++i) REQUIRE(peer->send(RawIntroduction{.kind = kAccept, .name = memory->name()}.bytes()));
    CHECK(os.wait(connected).result == 0);
    CHECK(os.wait(os.pop(qd)).result == -ECONNRESET);
    os.close(qd);
  }
  os.check_clean();
  CHECK(open_descriptors() == descriptors);
}

}  // namespace hostile_shm_caller_test
