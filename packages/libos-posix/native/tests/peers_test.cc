// The sockets under sanitizers: peers that behave, and peers that stall, reset, send garbage or vanish.
#include "demi/runtime.hpp"
#include "seed.hpp"
#include "socket_fixture.hpp"

namespace peers_test {

using namespace demi;
using demi::test::Bytes;
using demi::test::Message;
using demi::test::Peer;
using demi::test::Random;
using demi::test::Sockets;

namespace {

Bytes random_bytes(Random& random, std::size_t n) {
  Bytes out(n);
  for (auto& b : out) b = static_cast<std::uint8_t>(random.bits());
  return out;
}

// An accepted connection: the server's descriptor and the peer at its other end.
std::pair<Qd, Peer> connection(Sockets& net, Qd listener, std::uint16_t port, int receive_buffer = 0) {
  const Qt accept = net.app.start(layout::kOpAccept, listener, 0);
  net.app.runtime().submit();
  Peer peer(port, receive_buffer);
  const auto c = net.app.wait(accept);
  REQUIRE(c);
  REQUIRE(c->result == 0);
  return {c->value, std::move(peer)};
}

Message random_message(Random& random) {
  Message message(1 + random.below(4));
  for (auto& s : message) {
    s.resize(random.below(300));
    for (char& c : s) c = static_cast<char>(random.bits());
  }
  message[0] += "x";  // never without payload
  return message;
}

}  // namespace

TEST_CASE("peers: a stream arrives whole and in order, whatever the sizes, though the peer reads slowly") {
  Random random(test::seed("stream echo"));
  test::with_each_engine("stream echo", [&](const char* engine) {
    Sockets net(engine);
    const auto [listener, port] = net.bound(SocketKind::kStream, Framing::kStream);
    auto [qd, peer] = connection(net, listener, port, 4096);
    const Bytes sent = random_bytes(random, 2 << 20);
    Bytes got;
    std::size_t at = 0;
    std::size_t echoed = 0;
    net.app.pop(qd);
    for (int turns = 0; got.size() < sent.size(); ++turns) {
      REQUIRE(turns < 2'000'000);
      if (at < sent.size()) {
        const ssize_t n = peer.send(sent.data() + at, std::min<std::size_t>(sent.size() - at, 1 + random.below(40000)));
        REQUIRE(n >= 0);
        at += static_cast<std::size_t>(n);
      }
      if (random.one_in(3)) peer.receive(got, 1 + random.below(30000));
      for (const auto& c : net.app.turn()) {
        REQUIRE(c.result > 0);
        if (c.value == 0) {  // a push of the echo
          echoed += static_cast<std::size_t>(c.result);
          net.app.pop(qd, static_cast<std::int32_t>(random.below(20000)));
        } else {
          net.app.push(qd, c.value, layout::kFlagFree);
        }
      }
    }
    CHECK(got == sent);
    CHECK(echoed <= sent.size());
    net.app.runtime().close(qd);
    net.app.runtime().close(listener);
    CHECK(net.settle());
  });
}

TEST_CASE("peers: framed messages of a foreign encoder pop as they were sent, and its decoder reads ours") {
  Random random(test::seed("framed echo"));
  test::with_each_engine("framed echo", [&](const char* engine) {
    Sockets net(engine);
    const auto [listener, port] = net.bound(SocketKind::kStream, Framing::kDmtr);
    auto [qd, peer] = connection(net, listener, port);
    Bytes sent;
    std::vector<Message> messages(100);
    for (auto& message : messages) {
      message = random_message(random);
      const Bytes bytes = test::wire(message);
      sent.insert(sent.end(), bytes.begin(), bytes.end());
    }
    Bytes got;
    std::size_t at = 0;
    std::size_t popped = 0;
    for (int i = 0; i < 3; ++i) net.app.pop(qd);
    for (int turns = 0; got.size() < sent.size(); ++turns) {
      REQUIRE(turns < 2'000'000);
      if (at < sent.size()) {
        const ssize_t n = peer.send(sent.data() + at, std::min<std::size_t>(sent.size() - at, 1 + random.below(500)));
        REQUIRE(n >= 0);
        at += static_cast<std::size_t>(n);
      }
      peer.receive(got, 1 + random.below(2000));
      for (const auto& c : net.app.turn()) {
        REQUIRE(c.result > 0);
        if (c.value == 0) continue;
        REQUIRE(popped < messages.size());
        REQUIRE(net.app.segments(c.value) == messages[popped++]);
        net.app.push(qd, c.value, layout::kFlagFree);
        net.app.pop(qd);
      }
    }
    CHECK(got == sent);
    peer.close();
    const auto end = net.app.wait(net.app.pop(qd));
    REQUIRE(end);
    CHECK(end->value == 0);
    net.app.runtime().close(qd);
    net.app.runtime().close(listener);
    CHECK(net.settle());
  });
}

TEST_CASE("peers: what breaks the framing ends the connection with the code of what is wrong") {
  const auto outcome = [](const char* engine, const Bytes& bytes) {
    Sockets net(engine);
    const auto [listener, port] = net.bound(SocketKind::kStream, Framing::kDmtr, 1000);
    auto [qd, peer] = connection(net, listener, port);
    const Bytes good = test::wire({"good"});
    REQUIRE(peer.send(good.data(), good.size()) == static_cast<ssize_t>(good.size()));
    REQUIRE(peer.send(bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    CHECK(net.app.wait(net.app.pop(qd))->result == 4);
    const auto bad = net.app.wait(net.app.pop(qd));
    REQUIRE(bad);
    CHECK(net.app.wait(net.app.pop(qd))->result == bad->result);  // and it stays so
    net.app.runtime().close(qd);
    net.app.runtime().close(listener);
    CHECK(net.settle());
    return bad->result;
  };
  test::with_each_engine("broken framing", [&](const char* engine) {
    CHECK(outcome(engine, {'P', 'I', 'N', 'G', '\r', '\n'}) == -EILSEQ);
    CHECK(outcome(engine, test::header(0x10102010, 100, 17)) == -EPROTO);
    CHECK(outcome(engine, test::header(0x10102010, 1005, 1)) == -EMSGSIZE);
    CHECK(outcome(engine, test::header(0x10102010, 0xffffffff, 16)) == -EMSGSIZE);
    CHECK(outcome(engine, test::wire({""})) == -EBADMSG);
    Bytes lengths = test::header(0x10102010, 10, 2);
    test::put_word(lengths, 5);
    CHECK(outcome(engine, lengths) == -EBADMSG);
  });
}

TEST_CASE("peers: random behaviour on framed connections never crashes, hangs or leaks") {
  Random random(test::seed("hostile peers"));
  test::with_each_engine("hostile peers", [&](const char* engine) {
    test::Budget budget(2, 30);
    int errors = 0;
    int messages = 0;
    Sockets net(engine);
    test::Application& app = net.app;
    const auto [listener, port] = net.bound(SocketKind::kStream, Framing::kDmtr, 9000);
    while (budget.left()) {
      auto [qd, peer] = connection(net, listener, port, random.one_in(4) ? 2048 : 0);
      Bytes stream;
      for (std::uint32_t n = random.below(6); n > 0; --n) {
        const Bytes bytes = test::wire(random_message(random));
        stream.insert(stream.end(), bytes.begin(), bytes.end());
      }
      if (!stream.empty() && random.one_in(2)) {
        stream[random.below(static_cast<std::uint32_t>(stream.size()))] = static_cast<std::uint8_t>(random.bits());
      }
      if (random.one_in(3)) stream.resize(random.below(static_cast<std::uint32_t>(stream.size()) + 1));
      if (random.one_in(4)) {
        const Bytes noise = random_bytes(random, random.below(300));
        stream.insert(stream.end(), noise.begin(), noise.end());
      }
      bool ended = false;
      std::vector<Qt> pending;
      const auto take = [&](const test::Completion& c) {
        std::erase(pending, c.qt);
        if (c.result < 0) ++errors;
        if (c.value == 0) {
          ended = ended || c.result <= 0;
        } else if (c.result > 0) {
          ++messages;
          if (random.one_in(2) && app.tokens_left() > 8) {
            pending.push_back(app.push(qd, c.value, layout::kFlagFree));
          } else {
            app.free(c.value);
          }
        }
      };
      std::size_t at = 0;
      const std::uint32_t patience = random.below(60);
      for (std::uint32_t i = 0; i < patience && !ended; ++i) {
        if (pending.size() < 4) pending.push_back(app.pop(qd, random.one_in(8) ? 100 : 0));
        if (at < stream.size()) {
          const ssize_t n =
              peer.send(stream.data() + at, std::min<std::size_t>(stream.size() - at, 1 + random.below(400)));
          if (n < 0) break;
          at += static_cast<std::size_t>(n);
        }
        for (const auto& c : app.turn()) take(c);
        if (!pending.empty() && random.one_in(16)) {
          const Qt qt = pending[random.below(static_cast<std::uint32_t>(pending.size()))];
          if (random.one_in(2)) {
            app.runtime().cancel(qt);
          } else {
            app.runtime().drop(qt);
            std::erase(pending, qt);
          }
        }
        app.returned();
      }
      switch (random.below(5)) {
        case 0:
          peer.reset();
          break;
        case 1:
          peer.half_close();
          break;
        case 2:
          peer.close();
          break;
        default:  // stays, and says no more
          break;
      }
      for (std::uint32_t i = random.below(4); i > 0; --i) {
        for (const auto& c : app.turn()) take(c);
      }
      app.runtime().close(qd);
      for (int i = 0; i < 2000 && app.stats()["outstanding"] != 0; ++i) {
        for (const auto& c : app.turn(1000)) take(c);
        app.returned();
      }
      for (const auto& c : app.turn()) take(c);
      REQUIRE(app.stats()["outstanding"] == 0);
      app.returned();
      app.free_all();
    }
    MESSAGE(std::string(engine) << ": " << budget.rounds() << " connections, " << messages << " messages, " << errors
                                << " errors");
    CHECK(messages > 0);
    CHECK(errors > 0);
    CHECK(app.tokens_left() == app.limits().tokens);
    app.runtime().close(listener);
    CHECK(net.settle());
  });
}

TEST_CASE("peers: a connection closed with sends and receives in flight gives all memory back") {
  Random random(test::seed("close in flight"));
  test::with_each_engine("close in flight", [&](const char* engine) {
    for (int round = 0; round < 30; ++round) {
      Sockets net(engine);
      const auto [listener, port] = net.bound(SocketKind::kStream, round % 2 == 0 ? Framing::kStream : Framing::kDmtr);
      auto [qd, peer] = connection(net, listener, port, 2048);
      net.app.start(layout::kOpAccept, listener, 0);
      for (int i = 0; i < 5; ++i) net.app.pop(qd);
      // More than the socket's buffers take, so that some of it stays with the kernel.
      for (int i = 0; i < 8; ++i) {
        if (const Sga sga = net.app.alloc({65536}); sga != 0) {
          std::memset(net.app.arena().slot_start(sga), i, 65536);
          net.app.push(qd, sga, round % 3 == 0 ? 0 : layout::kFlagFree);
        }
        for (std::uint32_t n = random.below(3); n > 0; --n) net.app.turn();
      }
      if (round % 4 == 0) peer.reset();
      net.app.free_all();
      if (round % 5 == 0) continue;  // the runtime is destroyed as it is
      net.app.runtime().close(qd);
      net.app.runtime().close(listener);
      CHECK(net.settle());
    }
  });
}

TEST_CASE("peers: datagrams: framed ones pop as they were sent, wrong ones are dropped, and none leak") {
  Random random(test::seed("datagrams"));
  test::with_each_engine("datagrams", [&](const char* engine) {
    Sockets net(engine);
    const auto [qd, port] = net.bound(SocketKind::kDatagram, Framing::kDmtr, 2000);
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_storage to;
    const socklen_t length = Sockets::loopback(port).to_sockaddr(to);
    for (int round = 0; round < 300; ++round) {
      for (std::uint32_t n = random.below(3); n > 0; --n) {
        Bytes wrong = random.one_in(2) ? random_bytes(random, random.below(200)) : test::wire(random_message(random));
        if (!wrong.empty()) wrong.resize(random.below(static_cast<std::uint32_t>(wrong.size())));
        ::sendto(fd, wrong.data(), wrong.size(), 0, reinterpret_cast<sockaddr*>(&to), length);
      }
      const Message message = random_message(random);
      const Bytes bytes = test::wire(message);
      REQUIRE(::sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&to), length) ==
              static_cast<ssize_t>(bytes.size()));
      const auto c = net.app.wait(net.app.pop(qd), 5);
      REQUIRE(c);
      REQUIRE(c->result > 0);
      REQUIRE(net.app.segments(c->value) == message);
      // And back to where it came from.
      REQUIRE(net.app.wait(net.app.push(qd, c->value, layout::kFlagFree | layout::kFlagTo)));
      Bytes back(65536);
      const ssize_t n = ::recv(fd, back.data(), back.size(), 0);
      REQUIRE(n == static_cast<ssize_t>(bytes.size()));
      back.resize(static_cast<std::size_t>(n));
      REQUIRE(back == bytes);
    }
    ::close(fd);
    net.app.runtime().close(qd);
    CHECK(net.settle());
  });
}

}  // namespace peers_test
