// Datagram sockets on both drivers.
#include "net_fixture.hpp"

namespace net_datagram_test {

using namespace demi;
using namespace demi::posix::test;

namespace {

struct Two {
  Two(Libos& os, int family, Framing framing = Framing::kStream)
      : os(os), a(make(family, framing)), b(make(family, framing)), host(family == 6 ? "::1" : "127.0.0.1") {}
  Qd make(int family, Framing framing) {
    const Qd qd = os.socket(SocketKind::kDatagram, family, framing, 100000);
    REQUIRE(os.bind(qd, family == 6 ? "::1" : "127.0.0.1") == 0);
    return qd;
  }
  void connect() {
    CHECK(os.wait(os.connect(a, host, os.port(b))).result == 0);
    CHECK(os.wait(os.connect(b, host, os.port(a))).result == 0);
  }
  void close() {
    os.close(a);
    os.close(b);
  }
  Libos& os;
  Qd a, b;
  const char* host;
};

std::string pattern(std::size_t n) {
  std::string out(n, 0);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(i * 7 + (i >> 8));
  return out;
}

}  // namespace

ON_EACH_ENGINE(datagrams_of_every_size_keep_their_bounds) {
  for (const int family : {4, 6}) {
    Libos os(engine);
    Two two(os, family);
    two.connect();
    for (const std::size_t size : {1u, 100u, 4095u, 4096u, 4097u, 9000u, 65000u, 65507u}) {
      const std::string text = pattern(size);
      const Qt push = os.push(two.a, os.from(text));
      const Completion c = os.wait(os.pop(two.b));
      CHECK(c.result == static_cast<int>(size));
      CHECK(os.arena().address(c.value).port == os.port(two.a));
      CHECK(os.arena().address(c.value).family == family);
      CHECK((os.take(c) == text));
      CHECK(os.wait(push).result == static_cast<int>(size));
    }
    // Two in a row, popped apart.
    os.push(two.a, os.from("one"));
    os.push(two.a, os.from("two"));
    CHECK(os.take(os.wait(os.pop(two.b))) == "one");
    CHECK(os.take(os.wait(os.pop(two.b))) == "two");
    CHECK(os.wait(os.push(two.a, os.from(pattern(70000)))).result == -EMSGSIZE);
    two.close();
    os.check_clean();
  }
}

ON_EACH_ENGINE(a_reply_goes_where_the_datagram_came_from) {
  Libos os(engine);
  const Qd server = os.socket(SocketKind::kDatagram);
  REQUIRE(os.bind(server, "127.0.0.1") == 0);
  const Qd client = os.socket(SocketKind::kDatagram);
  CHECK(os.wait(os.connect(client, "127.0.0.1", os.port(server))).result == 0);
  CHECK(os.wait(os.push(server, os.from("to whom"))).result == -EDESTADDRREQ);
  const Sga none = os.from("to whom");
  CHECK(os.wait(os.push(server, none, layout::kFlagFree | layout::kFlagTo)).result == -EDESTADDRREQ);
  for (int i = 0; i < 20; ++i) {
    os.push(client, os.from("ping"));
    const Completion c = os.wait(os.pop(server));
    CHECK(os.text(c.value) == "ping");
    os.push(server, c.value, layout::kFlagFree | layout::kFlagTo);
    CHECK(os.take(os.wait(os.pop(client))) == "ping");
  }
  os.close(server);
  os.close(client);
  os.check_clean();
}

ON_EACH_ENGINE(a_short_limit_leaves_the_datagram) {
  Libos os(engine);
  Two two(os, 4);
  two.connect();
  os.push(two.a, os.from("a long one"));
  CHECK(os.wait(os.pop(two.b, 4)).result == -EMSGSIZE);
  CHECK(os.wait(os.pop(two.b, 9)).result == -EMSGSIZE);
  CHECK(os.take(os.wait(os.pop(two.b, 10))) == "a long one");
  two.close();
  os.check_clean();
}

ON_EACH_ENGINE(port_unreachable_goes_to_one_operation_and_the_socket_lives) {
  Libos os(engine);
  Two two(os, 4);
  two.connect();
  const int port = os.port(two.b);
  os.close(two.b);
  const Qt pop = os.pop(two.a);
  CHECK(os.wait(os.push(two.a, os.from("anyone?"))).result == 7);
  CHECK(os.wait(pop).result == -ECONNREFUSED);
  const Qd again = os.socket(SocketKind::kDatagram);
  REQUIRE(os.bind(again, "127.0.0.1", port) == 0);
  CHECK(os.wait(os.push(two.a, os.from("you"))).result == 3);
  CHECK(os.take(os.wait(os.pop(again))) == "you");
  os.close(two.a);
  os.close(again);
  os.check_clean();
}

ON_EACH_ENGINE(an_empty_datagram_is_no_end) {
  Libos os(engine);
  Two two(os, 4);
  const Qt pop = os.pop(two.b);
  os.turn();
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(os.port(two.b)));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::sendto(fd, "", 0, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  REQUIRE(::sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 1);
  const Completion c = os.wait(pop);
  CHECK(c.result == 0);
  CHECK(c.value != 0);
  CHECK(os.take(c).empty());
  CHECK(os.take(os.wait(os.pop(two.b))) == "x");
  ::close(fd);
  two.close();
  os.check_clean();
}

ON_EACH_ENGINE(a_burst_waits_in_the_socket_while_memory_is_short) {
  Limits limits = small_limits();
  limits.classes = {{256, 64}, {4096, 8}, {65536, 1}};
  Libos os(engine, limits);
  Two two(os, 4);
  two.connect();
  const std::string big = pattern(20000);
  const Sga chunk = os.from(big);
  CHECK(os.wait(os.push(two.a, chunk, 0)).result == 20000);
  CHECK(os.wait(os.push(two.a, chunk, 0)).result == 20000);
  const Qt first = os.pop(two.b);
  os.spin(10);
  CHECK(!os.done(first));  // the only large slot is the sender's
  os.free(chunk);
  const Completion c = os.wait(first);
  CHECK((os.text(c.value) == big));
  const Qt second = os.pop(two.b);
  os.spin(10);
  CHECK(!os.done(second));
  os.free(c.value);
  CHECK((os.take(os.wait(second)) == big));
  two.close();
  os.check_clean();
}

ON_EACH_ENGINE(framed_datagrams) {
  Libos os(engine);
  Two two(os, 4, Framing::kDmtr);
  two.connect();
  const std::uint32_t sizes[] = {5, 7};
  const Sga chain = os.runtime().alloc_chain(sizes);
  os.push(two.a, chain);
  const Completion c = os.wait(os.pop(two.b));
  CHECK(c.result == 12);
  CHECK(os.arena().segments(c.value) == 2);
  CHECK(os.arena().address(c.value).port == os.port(two.a));
  os.free(c.value);
  // What is no message is dropped and counted; the next pop gets the next message.
  const Qt pop = os.pop(two.b);
  os.turn();
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Qd open = os.socket(SocketKind::kDatagram, 4, Framing::kDmtr, 100000);
  REQUIRE(os.bind(open, "127.0.0.1") == 0);
  to.sin_port = htons(static_cast<std::uint16_t>(os.port(open)));
  const Qt waiting = os.pop(open);
  os.turn();
  REQUIRE(::sendto(fd, "garbage garbage", 15, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 15);
  const char good[] = "\x10\x10\x20\x10\0\0\0\x06\0\0\0\x01\0\0\0\x02hi";
  REQUIRE(::sendto(fd, good, 18, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 18);
  CHECK(os.take(os.wait(waiting)) == "hi");
  CHECK(os.stat("badMessages") == 1);
  ::close(fd);
  os.push(two.a, os.from("fine"));
  CHECK(os.take(os.wait(pop)) == "fine");
  os.close(open);
  two.close();
  os.check_clean();
}

ON_EACH_ENGINE(close_and_cancel_of_datagram_pops) {
  Libos os(engine);
  Two two(os, 4);
  const Qt a = os.pop(two.a);
  const Qt b = os.pop(two.a);
  os.turn();
  CHECK(os.runtime().cancel(b) == 1);
  CHECK(os.wait(b).result == -ECANCELED);
  two.close();
  CHECK(os.wait(a).result == -ECANCELED);
  os.check_clean();
}

}  // namespace net_datagram_test
