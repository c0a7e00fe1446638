// Stream sockets on both drivers: transfer, ends, errors, close and cancel.
#include <set>

#include "net_fixture.hpp"

namespace net_stream_test {

using namespace demi;
using namespace demi::posix::test;

ON_EACH_ENGINE(echo) {
  Libos os(engine);
  Pair pair(os);
  for (int i = 0; i < 200; ++i) {
    const std::string text = "message " + std::to_string(i);
    const Qt pop = os.pop(pair.qd);
    os.turn();
    pair.peer->send(text);
    const Completion c = os.wait(pop);
    CHECK(c.result == static_cast<int>(text.size()));
    CHECK(os.text(c.value) == text);
    const Qt push = os.push(pair.qd, c.value);
    CHECK(os.wait(push).result == static_cast<int>(text.size()));
    CHECK(pair.peer->receive() == text);
  }
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(pop_limit_leaves_the_rest) {
  Libos os(engine);
  Pair pair(os);
  pair.peer->send("hello world");
  CHECK(os.take(os.wait(os.pop(pair.qd, 5))) == "hello");
  CHECK(os.take(os.wait(os.pop(pair.qd, 1))) == " ");
  CHECK(os.take(os.wait(os.pop(pair.qd))) == "world");
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(large_pushes_to_a_slow_reader_arrive_whole_and_in_order) {
  Libos os(engine);
  Pair pair(os);
  std::vector<Qt> pushes;
  std::string all;
  for (int i = 0; i < 6; ++i) {
    std::string text(1 << 20, static_cast<char>('a' + i));
    pushes.push_back(os.push(pair.qd, os.from(text)));
    all += text;
  }
  const Qt small = os.push(pair.qd, os.from("the end"));
  all += "the end";
  os.spin(50);
  CHECK(!os.done(pushes.back()));
  CHECK(!os.done(small));
  std::string got;
  while (got.size() < all.size()) {
    os.turn();
    const std::string part = pair.peer->receive(100000);
    REQUIRE(!part.empty());
    got += part;
  }
  CHECK((got == all));
  for (const Qt qt : pushes) CHECK(os.wait(qt).result == 1 << 20);
  CHECK(os.wait(small).result == 7);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(bulk_receive_keeps_every_byte) {
  Libos os(engine);
  Pair pair(os);
  std::string all;
  for (int i = 0; i < 3000000; ++i) all.push_back(static_cast<char>((i * 31) >> 3));
  std::thread sender([&] {
    std::size_t at = 0;
    while (at < all.size()) {
      const ssize_t n =
          ::send(pair.peer->fd(), all.data() + at, std::min<std::size_t>(all.size() - at, 70000), MSG_NOSIGNAL);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
  });
  std::string got;
  const int limits[] = {0, 65536, 100, 0, 4096, 1000000, 256};
  for (int i = 0; got.size() < all.size(); ++i) {
    const Completion c = os.wait(os.pop(pair.qd, limits[i % 7]));
    REQUIRE(c.result > 0);
    got += os.take(c);
  }
  sender.join();
  CHECK((got == all));
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(several_pops_complete_in_order) {
  Libos os(engine);
  Pair pair(os);
  std::vector<Qt> pops;
  for (int i = 0; i < 8; ++i) pops.push_back(os.pop(pair.qd, 3));
  os.turn();
  pair.peer->send("aaabbbcccdddeeefffggghhh");
  std::string got;
  for (const Qt qt : pops) got += os.take(os.wait(qt));
  CHECK(got == "aaabbbcccdddeeefffggghhh");
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(end_of_stream_repeats_and_pushes_still_work) {
  Libos os(engine);
  Pair pair(os);
  const Qt early = os.pop(pair.qd);
  os.turn();
  pair.peer->send("last words");
  pair.peer->shutdown_write();
  CHECK(os.take(os.wait(early)) == "last words");
  for (int i = 0; i < 3; ++i) {
    const Completion c = os.wait(os.pop(pair.qd));
    CHECK(c.result == 0);
    CHECK(c.value == 0);
  }
  CHECK(os.wait(os.push(pair.qd, os.from("still here"))).result == 10);
  CHECK(pair.peer->receive() == "still here");
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(data_and_fin_before_the_first_pop) {
  Libos os(engine);
  Pair pair(os);
  pair.peer->send("abc");
  pair.peer->shutdown_write();
  os.spin(5);
  CHECK(os.take(os.wait(os.pop(pair.qd))) == "abc");
  CHECK(os.wait(os.pop(pair.qd)).result == 0);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(reset_ends_pending_and_later_operations) {
  Libos os(engine);
  Pair pair(os);
  std::vector<Qt> pushes;
  for (int i = 0; i < 8; ++i) pushes.push_back(os.push(pair.qd, os.from(std::string(1 << 20, 'x'))));
  const Qt a = os.pop(pair.qd);
  const Qt b = os.pop(pair.qd);
  os.spin(20);
  pair.peer->reset();
  CHECK(os.wait(a).result == -ECONNRESET);
  CHECK(os.wait(b).result == -ECONNRESET);
  int failed = 0;
  for (const Qt qt : pushes) {
    const int result = os.wait(qt).result;
    CHECK((result == 1 << 20 || result == -ECONNRESET || result == -EPIPE));
    failed += result < 0;
  }
  CHECK(failed > 0);
  CHECK(os.wait(os.pop(pair.qd)).result == -ECONNRESET);
  CHECK(os.wait(os.push(pair.qd, os.from("x"))).result < 0);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(reset_of_an_idle_connection_shows_with_the_next_operation) {
  for (const bool push_first : {false, true}) {
    Libos os(engine);
    Pair pair(os);
    pair.peer->reset();
    os.spin(5);
    if (push_first) CHECK(os.wait(os.push(pair.qd, os.from("x"))).result == -ECONNRESET);
    CHECK(os.wait(os.pop(pair.qd)).result == -ECONNRESET);
    CHECK(os.wait(os.pop(pair.qd)).result == -ECONNRESET);
    const int late = os.wait(os.push(pair.qd, os.from("x"))).result;
    CHECK((late == -ECONNRESET || late == -EPIPE));
    pair.close();
    os.check_clean();
  }
}

ON_EACH_ENGINE(close_cancels_everything_at_once) {
  Libos os(engine);
  Pair pair(os);
  std::vector<Qt> pushes;
  for (int i = 0; i < 8; ++i) pushes.push_back(os.push(pair.qd, os.from(std::string(1 << 20, 'x')), 0));
  const Qt pop = os.pop(pair.qd);
  const Qt accept = os.accept(pair.listener);
  os.spin(20);
  CHECK(os.close(pair.qd) == 0);
  CHECK(os.close(pair.listener) == 0);
  CHECK(os.stat("outstanding") == 0);
  CHECK(os.wait(pop, 0 + 100).result == -ECANCELED);
  CHECK(os.wait(accept).result == -ECANCELED);
  int cancelled = 0;
  for (const Qt qt : pushes) {
    const int result = os.wait(qt).result;
    CHECK((result == 1 << 20 || result == -ECANCELED));
    cancelled += result == -ECANCELED;
  }
  CHECK(cancelled > 0);
  CHECK(os.runtime().close(pair.qd) == -EBADF);
  CHECK(os.wait(os.pop(pair.qd)).result == -EBADF);
  CHECK(os.stat("appSlots") == 8);
  pair.peer->close();
}

ON_EACH_ENGINE(close_is_seen_by_the_peer_without_another_poll) {
  Libos os(engine);
  Pair pair(os);
  const Qt pop = os.pop(pair.qd);
  os.turn();
  os.push(pair.qd, os.from("bye"));
  os.close(pair.qd);
  CHECK(pair.peer->receive() == "bye");
  pair.peer->receive();
  CHECK(pair.peer->ended);
  CHECK(os.wait(pop).result == -ECANCELED);
  os.close(pair.listener);
  os.check_clean();
}

ON_EACH_ENGINE(cancelled_pop_loses_no_bytes) {
  Libos os(engine);
  Pair pair(os);
  const Qt a = os.pop(pair.qd);
  os.turn();
  CHECK(os.runtime().cancel(a) == 1);
  CHECK(os.wait(a).result == -ECANCELED);
  CHECK(os.runtime().cancel(a) == -ENOENT);
  pair.peer->send("kept");
  os.spin(5);
  CHECK(os.take(os.wait(os.pop(pair.qd))) == "kept");
  const Qt dropped = os.pop(pair.qd);
  os.turn();
  CHECK(os.runtime().drop(dropped) == 0);
  pair.peer->send("also");
  CHECK(os.take(os.wait(os.pop(pair.qd))) == "also");
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(connect_push_pop) {
  for (const int family : {4, 6}) {
    Libos os(engine);
    const Qd listener = os.listener(family);
    const Qt accept = os.accept(listener);
    const Qd client = os.socket(SocketKind::kStream, family);
    const Qt connect = os.connect(client, family == 6 ? "::1" : "127.0.0.1", os.port(listener));
    // Operations may follow before the connection stands.
    const Qt push = os.push(client, os.from("early"));
    const Qt pop = os.pop(client);
    const Qd server = os.wait(accept).value;
    CHECK(os.wait(connect).result == 0);
    CHECK(os.wait(push).result == 5);
    CHECK(os.take(os.wait(os.pop(server))) == "early");
    os.push(server, os.from("back"));
    CHECK(os.take(os.wait(pop)) == "back");
    Address a, b;
    CHECK(os.runtime().find(client)->peer_address(a) == 0);
    CHECK(a.port == os.port(listener));
    CHECK(a.family == family);
    CHECK(os.runtime().find(server)->peer_address(b) == 0);
    CHECK(b.port == os.port(client));
    for (const Qd qd : {client, server, listener}) os.close(qd);
    os.check_clean();
  }
}

ON_EACH_ENGINE(connect_refused_and_tried_again) {
  Libos os(engine);
  const Qd listener = os.listener();
  const int port = os.port(listener);
  os.close(listener);
  const Qd client = os.socket();
  const Qt connect = os.connect(client, "127.0.0.1", port);
  const Qt push = os.push(client, os.from("x"));
  CHECK(os.wait(connect).result == -ECONNREFUSED);
  CHECK(os.wait(push).result == -ECONNREFUSED);
  CHECK(os.wait(os.pop(client)).result == -ENOTCONN);
  const Qd again = os.listener();
  CHECK(os.wait(os.connect(client, "127.0.0.1", os.port(again))).result == 0);
  os.close(client);
  os.close(again);
  os.check_clean();
}

ON_EACH_ENGINE(connect_closed_or_cancelled_while_under_way) {
  Libos os(engine);
  // A listener whose backlog is full: further SYNs are not answered.
  Peer full(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in sin{};
  sin.sin_family = AF_INET;
  sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(full.fd(), reinterpret_cast<sockaddr*>(&sin), sizeof sin) == 0);
  socklen_t length = sizeof sin;
  REQUIRE(::getsockname(full.fd(), reinterpret_cast<sockaddr*>(&sin), &length) == 0);
  REQUIRE(::listen(full.fd(), 0) == 0);
  std::vector<Peer> fill;
  for (int i = 0; i < 3; ++i) {
    fill.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)!::connect(fill.back().fd(), reinterpret_cast<sockaddr*>(&sin), sizeof sin);
  }
  const Qd a = os.socket();
  const Qd b = os.socket();
  const Qt connecting_a = os.connect(a, "127.0.0.1", ntohs(sin.sin_port));
  const Qt connecting_b = os.connect(b, "127.0.0.1", ntohs(sin.sin_port));
  const Qt pop = os.pop(b);
  CHECK(os.wait(os.connect(a, "127.0.0.1", 1)).result == -EALREADY);
  os.spin(10);
  REQUIRE(!os.done(connecting_a));
  os.close(a);
  CHECK(os.wait(connecting_a).result == -ECANCELED);
  CHECK(os.runtime().cancel(connecting_b) == 1);
  CHECK(os.wait(connecting_b).result == -ECANCELED);
  CHECK(os.wait(pop).result == -ECANCELED);
  // The socket is fresh again.
  const Qd listener = os.listener();
  CHECK(os.wait(os.connect(b, "127.0.0.1", os.port(listener))).result == 0);
  os.close(b);
  os.close(listener);
  os.check_clean();
}

ON_EACH_ENGINE(calls_that_make_no_sense) {
  Libos os(engine);
  const Qd s = os.socket();
  CHECK(os.wait(os.pop(s)).result == -ENOTCONN);
  CHECK(os.wait(os.push(s, os.from("x"))).result == -ENOTCONN);
  CHECK(os.wait(os.accept(s)).result == -EINVAL);
  CHECK(os.wait(os.connect(s, "::1", 1)).result == -EAFNOSUPPORT);
  CHECK(os.bind(s, "::1") == -EAFNOSUPPORT);
  const Qd l = os.listener();
  CHECK(os.bind(s, "127.0.0.1", os.port(l)) == -EADDRINUSE);
  CHECK(os.wait(os.pop(l)).result == -ENOTCONN);
  CHECK(os.wait(os.connect(l, "127.0.0.1", 1)).result == -EISCONN);
  os.close(s);
  os.close(l);
  os.check_clean();
}

ON_EACH_ENGINE(too_many_pushes_of_one_queue) {
  Limits limits = small_limits();
  limits.classes = {{256, 512}, {4096, 2048}, {65536, 8}};
  Libos os(engine, limits);
  Pair pair(os);
  const std::string text(4096, 'y');
  std::vector<Qt> pushes;
  int refused = 0;
  Sga shared = os.from(text);
  for (int i = 0; i < 3500; ++i) pushes.push_back(os.push(pair.qd, shared, 0));
  os.spin(20);
  for (const Qt qt : pushes) {
    if (!os.done(qt)) continue;
    refused += os.wait(qt).result == -EAGAIN;
  }
  CHECK(refused > 0);
  os.close(pair.qd);
  os.free(shared);
  os.close(pair.listener);
  os.check_clean();
}

ON_EACH_ENGINE(accepts_complete_in_order_and_only_on_demand) {
  Libos os(engine);
  const Qd listener = os.listener();
  std::vector<Peer> peers;
  for (int i = 0; i < 20; ++i) peers.push_back(Peer::to(os.port(listener)));
  os.spin(5);
  CHECK(os.stat("queues") == 1);
  std::vector<Qt> accepts;
  for (int i = 0; i < 20; ++i) accepts.push_back(os.accept(listener));
  std::set<Qd> qds;
  for (const Qt qt : accepts) qds.insert(os.wait(qt).value);
  CHECK(qds.size() == 20);
  const Qt extra = os.accept(listener);
  os.spin(5);
  CHECK(!os.done(extra));
  const Qt dropped = os.accept(listener);
  os.turn();
  os.runtime().drop(dropped);
  CHECK(os.runtime().cancel(extra) == 1);
  for (const Qd qd : qds) os.close(qd);
  os.close(listener);
  os.check_clean();
}

ON_EACH_ENGINE(a_full_descriptor_table_leaves_connections_in_the_backlog) {
  Limits limits = small_limits();
  limits.queues = 3;
  Libos os(engine, limits);
  const Qd listener = os.listener();
  std::vector<Peer> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(Peer::to(os.port(listener)));
    peers.back().send("from " + std::to_string(i));
  }
  const Qt a = os.accept(listener), b = os.accept(listener), c = os.accept(listener), d = os.accept(listener);
  const Qd first = os.wait(a).value;
  const Qd second = os.wait(b).value;
  os.spin(20);
  CHECK(!os.done(c));
  CHECK(os.stat("acceptPaused") >= 1);
  os.close(first);
  // Before the 100 ms are over.
  CHECK(os.runtime().engines().prepare_sleep() == 0);
  os.runtime().engines().end_sleep();
  const Qd third = os.wait(c).value;
  CHECK(os.take(os.wait(os.pop(third))) == "from 2");
  os.close(second);
  const Qd fourth = os.wait(d).value;
  CHECK(os.take(os.wait(os.pop(fourth))) == "from 3");
  for (const Qd qd : {third, fourth, listener}) os.close(qd);
  os.check_clean();
}

ON_EACH_ENGINE(an_empty_arena_makes_pops_wait) {
  Limits limits = small_limits();
  limits.classes = {{256, 4}, {4096, 4}};
  Libos os(engine, limits);
  Pair pair(os);
  std::vector<Sga> held;
  std::string sent, got;
  for (int i = 0; i < 40; ++i) {
    const std::string text = "part " + std::to_string(i) + ";";
    pair.peer->send(text);
    sent += text;
  }
  // The application keeps what it pops until the arena is empty.
  for (;;) {
    const Qt qt = os.pop(pair.qd, 10);
    os.spin(5);
    if (!os.done(qt)) {
      REQUIRE(!held.empty());
      while (!held.empty()) {
        os.free(held.back());
        held.pop_back();
      }
      const Completion c = os.wait(qt);
      got += os.text(c.value);
      held.push_back(c.value);
    } else {
      const Completion c = os.wait(qt);
      REQUIRE(c.result > 0);
      got += os.text(c.value);
      held.push_back(c.value);
    }
    if (got.size() == sent.size()) break;
  }
  CHECK(got == sent);
  for (const Sga sga : held) os.free(sga);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(a_flooding_peer_is_held_back) {
  Libos os(engine);
  Pair pair(os);
  // One pop starts the receiving; nobody pops any more after it.
  const Qt first = os.pop(pair.qd);
  os.turn();
  ::fcntl(pair.peer->fd(), F_SETFL, O_NONBLOCK);
  const std::string block(65536, 'f');
  std::size_t sent = 0;
  for (int i = 0; i < 300; ++i) {
    const ssize_t n = ::send(pair.peer->fd(), block.data(), block.size(), MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    os.turn(200);
  }
  std::size_t got = os.take(os.wait(first)).size();
  MESSAGE(std::string(engine) << " held " << os.stat("deviceSlots") << " slots of " << sent << " bytes");
  CHECK(os.stat("deviceSlots") <= 128);
  while (got < sent) got += os.take(os.wait(os.pop(pair.qd))).size();
  CHECK(got == sent);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(framed_messages) {
  Libos os(engine);
  const Qd listener = os.listener(4, Framing::kDmtr);
  const Qt accept = os.accept(listener);
  const Qd client = os.socket(SocketKind::kStream, 4, Framing::kDmtr);
  CHECK(os.wait(os.connect(client, "127.0.0.1", os.port(listener))).result == 0);
  const Qd server = os.wait(accept).value;
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(1 + i * i * 7), static_cast<char>('A' + i % 26)));
  texts.push_back(std::string(1 << 20, 'z'));
  std::size_t next = 0;
  for (const auto& text : texts) {
    const Qt push = os.push(client, os.from(text));
    if (text.size() > 20000) os.turn();
    if (next % 7 == 0) os.turn();
    const Completion c = os.wait(os.pop(server));
    CHECK((os.take(c) == text));
    CHECK(os.wait(push).result == static_cast<int>(text.size()));
    ++next;
  }
  // Several messages in one segment of the stream, a limit that is too small for the first.
  for (const char* text : {"one", "two", "three"}) os.push(client, os.from(text));
  CHECK(os.wait(os.pop(server, 2)).result == -EMSGSIZE);
  CHECK(os.take(os.wait(os.pop(server))) == "one");
  CHECK(os.take(os.wait(os.pop(server))) == "two");
  CHECK(os.take(os.wait(os.pop(server))) == "three");
  // Segments survive.
  const std::uint32_t sizes[] = {3, 5};
  const Sga chain = os.runtime().alloc_chain(sizes);
  os.push(client, chain);
  const Completion c = os.wait(os.pop(server));
  CHECK(c.result == 8);
  CHECK(os.arena().segments(c.value) == 2);
  os.free(c.value);
  for (const Qd qd : {client, server, listener}) os.close(qd);
  os.check_clean();
}

ON_EACH_ENGINE(framed_garbage_ends_the_connection) {
  Libos os(engine);
  Pair pair(os, Framing::kDmtr);
  const Qt pop = os.pop(pair.qd);
  os.turn();
  pair.peer->send("GET / HTTP/1.1\r\n\r\n");
  CHECK(os.wait(pop).result == -EILSEQ);
  CHECK(os.wait(os.pop(pair.qd)).result == -EILSEQ);
  CHECK(os.wait(os.push(pair.qd, os.from("x"))).result == -EILSEQ);
  pair.close();
  os.check_clean();
  Pair cut(os, Framing::kDmtr);
  const Qt partial = os.pop(cut.qd);
  os.turn();
  cut.peer->send(
      std::string("\x10\x10\x20\x10\0\0\0\x10\0\0\0\x01\0\0\0\x0c"
                  "abc",
                  19));
  cut.peer->shutdown_write();
  CHECK(os.wait(partial).result == -ECONNABORTED);
  cut.close();
  os.check_clean();
}

ON_EACH_ENGINE(socket_options) {
  Libos os(engine);
  Pair pair(os);
  Queue& q = *os.runtime().find(pair.qd);
  int value = -5;
  CHECK(q.get_option(SocketOption::kNoDelay, value) == 0);
  CHECK(value == 1);
  CHECK(q.set_option(SocketOption::kNoDelay, 0) == 0);
  CHECK(q.get_option(SocketOption::kNoDelay, value) == 0);
  CHECK(value == 0);
  CHECK(q.get_option(SocketOption::kLinger, value) == 0);
  CHECK(value == -1);
  CHECK(q.set_option(SocketOption::kLinger, 7) == 0);
  CHECK(q.get_option(SocketOption::kLinger, value) == 0);
  CHECK(value == 7);
  CHECK(q.set_option(SocketOption::kLinger, -2) == -EINVAL);
  CHECK(q.set_option(SocketOption::kKeepAlive, 2) == -EINVAL);
  CHECK(q.set_option(SocketOption::kSendBuffer, 0) == -EINVAL);
  CHECK(q.set_option(SocketOption::kSendBuffer, 65536) == 0);
  CHECK(q.get_option(SocketOption::kSendBuffer, value) == 0);
  CHECK(value >= 65536);
  CHECK(q.set_option(static_cast<SocketOption>(99), 1) == -ENOPROTOOPT);
  CHECK(q.set_option(SocketOption::kLinger, -1) == 0);
  pair.close();
  os.check_clean();
}

ON_EACH_ENGINE(sleeping_wakes_for_data) {
  Libos os(engine);
  Pair pair(os);
  const Qt pop = os.pop(pair.qd);
  os.turn();
  EngineSet& e = os.runtime().engines();
  REQUIRE(e.sleep_fd() >= 0);
  for (int i = 0; i < 50; ++i) {
    const int ms = e.prepare_sleep();
    if (ms != 0) {
      pollfd p{e.sleep_fd(), POLLIN, 0};
      if (i == 49) pair.peer->send("wake");
      const int ready = ::poll(&p, 1, i == 49 ? 2000 : 1);
      if (i == 49) CHECK(ready == 1);
      if (i > 5 && i < 49) CHECK(ready == 0);
    }
    e.end_sleep();
    os.turn();
  }
  CHECK(os.take(os.wait(pop)) == "wake");
  pair.close();
  os.check_clean();
}

}  // namespace net_stream_test
