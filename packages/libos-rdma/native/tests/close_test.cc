// Closing at any moment: during the handshake, with fragments under way, both ends at once, and the whole libOS with everything pending.
#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "loopback.hpp"
#include "seed.hpp"

namespace close_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;
using demi::test::Budget;
using demi::test::Random;

namespace {

// One of two that talk to each other, which does whatever comes next without waiting for anything.
class Restless {
 public:
  Restless(Random& random, Libos& os) : random_(random), os_(os), listener_(os.listener(8)) {
    address_ = os_.address(listener_);
    accept();
    os_.on_completion = [this](const Completion& c) { return completed(c); };
  }
  ~Restless() { os_.on_completion = nullptr; }
  Restless(const Restless&) = delete;
  Restless& operator=(const Restless&) = delete;

  const demi::Address& address() const { return address_; }
  std::uint64_t messages = 0;
  std::uint64_t closes = 0;

  void step(const demi::Address& other) {
    switch (random_.below(12)) {
      case 0:
        if (open_.size() < 12) {
          const Qd qd = os_.socket();
          open_.insert(qd);
          kinds_[os_.connect(qd, other)] = Kind::kConnect;
          if (random_.one_in(2)) push(qd);
          if (random_.one_in(8)) close(qd);
        }
        return;
      case 1:
        if (random_.one_in(2) && !open_.empty()) close(any());
        return;
      case 2:
        if (random_.one_in(4) && listener_ != 0) {
          // A listener that goes, with whoever is at its door.
          os_.close(listener_);
          listener_ = 0;
        } else if (listener_ == 0) {
          listener_ = os_.listener(8);
          address_ = os_.address(listener_);
          accept();
        }
        return;
      case 3:
        if (!kinds_.empty()) {
          auto at = kinds_.begin();
          std::advance(at, random_.below(static_cast<std::uint32_t>(kinds_.size())));
          os_.runtime().submit();
          os_.runtime().cancel(at->first);
        }
        return;
      case 4:
      case 5:
      case 6:
        if (!open_.empty()) kinds_[os_.pop(any(), random_.one_in(4) ? 700 : 0)] = Kind::kPop;
        return;
      default:
        if (!open_.empty()) push(any());
    }
  }

  void close_all() {
    if (listener_ != 0) os_.close(listener_);
    listener_ = 0;
    // Accepted in between: in the completions that are read now.
    os_.turn();
    while (!open_.empty()) close(*open_.begin());
  }
  bool quiet() const { return kinds_.empty() && open_.empty(); }

 private:
  enum class Kind { kConnect, kAccept, kPop, kPush };

  Qd any() {
    auto at = open_.begin();
    std::advance(at, random_.below(static_cast<std::uint32_t>(open_.size())));
    return *at;
  }
  void accept() { kinds_[os_.accept(listener_)] = Kind::kAccept; }
  void push(Qd qd) {
    if (os_.app().arena().free_slots(2) < 8) return;
    const std::size_t bytes = 1 + random_.below(random_.one_in(4) ? 60'000 : 500);
    kinds_[os_.push(qd, message(static_cast<std::uint32_t>(bytes), bytes))] = Kind::kPush;
  }
  void close(Qd qd) {
    if (random_.one_in(4)) os_.runtime().find(qd)->set_option(demi::SocketOption::kLinger, 0);
    open_.erase(qd);
    os_.close(qd);
    ++closes;
  }

  bool completed(const Completion& c) {
    const auto found = kinds_.find(c.qt);
    REQUIRE(found != kinds_.end());  // each once
    const Kind kind = found->second;
    kinds_.erase(found);
    switch (kind) {
      case Kind::kAccept:
        if (c.result == 0) open_.insert(c.value);
        if (listener_ != 0) accept();
        break;
      case Kind::kPop:
        if (c.result > 0) ++messages;
        if (c.value != 0) os_.app().free(c.value);
        break;
      default:
        break;
    }
    return true;
  }

  Random& random_;
  Libos& os_;
  Qd listener_;
  demi::Address address_;
  std::set<Qd> open_;
  std::map<Qt, Kind> kinds_;
};

}  // namespace

TEST_CASE("two that connect, send, cancel and close at random leave nothing behind, and lose no token") {
  const std::string provider = each_provider();
  Random random(demi::test::seed("close at any moment"));
  Budget budget(4, 4);
  std::uint64_t messages = 0;
  std::uint64_t closes = 0;
  while (budget.left()) {
    Loopback loopback(provider);
    const demi::Config config{{"credits", random.one_in(2) ? "2" : "16"}, {"slot", random.one_in(2) ? "512" : "4096"}};
    Libos a(loopback, config);
    Libos b(loopback, config);
    {
      Restless left(random, a);
      Restless right(random, b);
      for (int i = 0; i < 1500; ++i) {
        left.step(right.address());
        right.step(left.address());
        if (random.one_in(2)) loopback.turns(static_cast<int>(random.below(6)));
      }
      left.close_all();
      right.close_all();
      REQUIRE(loopback.until([&] { return left.quiet() && right.quiet(); }));
      a.check_clean();
      b.check_clean();
      messages += left.messages + right.messages;
      closes += left.closes + right.closes;
    }
  }
  std::printf("close at any moment: %llu messages, %llu closes in %llu rounds\n",
              static_cast<unsigned long long>(messages), static_cast<unsigned long long>(closes),
              static_cast<unsigned long long>(budget.rounds()));
  CHECK(messages > 20);
  CHECK(closes > 20);
}

TEST_CASE("a close after each number of turns of a handshake, by either side") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback);
  for (int turns = 0; turns < 10; ++turns) {
    for (const bool server : {false, true}) {
      CAPTURE(turns);
      CAPTURE(server);
      const Qd listener = b.listener();
      const Qt accept = b.accept(listener);
      const Qd client = a.socket();
      const Qt connect = a.connect(client, b.address(listener));
      const Qt push = a.push(client, "early");
      const Qt pop = a.pop(client);
      loopback.turns(turns);
      Qd accepted = 0;
      if (server) {
        b.close(listener);
        const Completion c = b.wait(accept);
        if (c.result == 0) accepted = c.value;
        if (accepted != 0) b.close(accepted);
        const int connected = a.wait(connect).result;
        CHECK((connected == 0 || connected == -ECONNREFUSED || connected == -ECONNRESET));
        CHECK(a.wait(pop).result <= 0);
        const int pushed = a.wait(push).result;
        CHECK((pushed == 5 || pushed < 0));
        a.close(client);
      } else {
        a.close(client);
        const int connected = a.wait(connect).result;
        CHECK((connected == 0 || connected == -ECANCELED));
        CHECK(a.wait(pop).result == -ECANCELED);
        const int pushed = a.wait(push).result;
        CHECK((pushed == 5 || pushed == -ECANCELED));
        // It may have come to the listener, or not.
        loopback.turns(20);
        b.close(listener);
        const Completion c = b.wait(accept);
        if (c.result == 0) b.close(c.value);
      }
      a.check_clean();
      b.check_clean();
    }
  }
}

TEST_CASE("a port is refused when its listener has closed, and can be listened on again at once") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback);
  Qd listener = b.listener();
  const demi::Address address = b.address(listener);
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    // Somebody is halfway in.
    const Qd early = a.socket();
    const Qt connecting = a.connect(early, address);
    loopback.turns(round);
    b.close(listener);
    const int result = a.wait(connecting).result;
    CHECK((result == 0 || result == -ECONNREFUSED || result == -ECONNRESET));
    const Qd late = a.socket();
    CHECK(a.wait(a.connect(late, address)).result == -ECONNREFUSED);
    a.close(early);
    a.close(late);
    listener = b.socket();
    REQUIRE(b.runtime().find(listener)->bind(address) == 0);
    REQUIRE(b.runtime().find(listener)->listen(8) == 0);
    const Qt accepted = b.accept(listener);
    const Qd client = a.socket();
    CHECK(a.wait(a.connect(client, address)).result == 0);
    const Completion c = b.wait(accepted);
    REQUIRE(c.result == 0);
    a.wait(a.push(client, "hello"));
    CHECK(b.take(b.wait(b.pop(c.value))) == "hello");
    a.close(client);
    b.close(c.value);
  }
  b.close(listener);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("both ends close at once with messages under way both ways") {
  const std::string provider = each_provider();
  Random random(demi::test::seed("both at once"));
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback);
  for (int round = 0; round < 30; ++round) {
    CAPTURE(round);
    const auto [on_a, on_b] = connection(a, b);
    std::vector<Qt> tokens_a;
    std::vector<Qt> tokens_b;
    for (int i = 0; i < 6; ++i) {
      tokens_a.push_back(a.push(on_a, message(1, 1 + random.below(50'000))));
      tokens_b.push_back(b.push(on_b, message(2, 1 + random.below(50'000))));
    }
    loopback.turns(static_cast<int>(random.below(8)));
    a.close(on_a);
    b.close(on_b);
    for (const Qt qt : tokens_a) {
      const int result = a.wait(qt).result;
      CHECK((result > 0 || result == -ECANCELED || result == -EPIPE || result == -ECONNRESET));
    }
    for (const Qt qt : tokens_b) {
      const int result = b.wait(qt).result;
      CHECK((result > 0 || result == -ECANCELED || result == -EPIPE || result == -ECONNRESET));
    }
    a.check_clean();
    b.check_clean();
  }
}

TEST_CASE("what was pushed before a close arrives, then the end of the stream") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback);
  const auto [on_a, on_b] = connection(a, b);
  std::vector<Qt> pushes;
  for (std::uint32_t i = 0; i < 10; ++i) pushes.push_back(a.push(on_a, message(i, 300 + i)));
  for (const Qt push : pushes) CHECK(a.wait(push).result >= 300);
  a.close(on_a);
  loopback.run(0.1);
  for (std::uint32_t i = 0; i < 10; ++i) CHECK(b.take(b.wait(b.pop(on_b))) == message(i, 300 + i));
  for (int i = 0; i < 2; ++i) CHECK(b.wait(b.pop(on_b)).result == 0);
  CHECK(b.wait(b.push(on_b, "x")).result == -EPIPE);
  b.close(on_b);
  a.check_clean();
  b.check_clean();
}

TEST_CASE("a libOS destroyed with everything pending gives its memory back, and its peers hear of it") {
  const std::string provider = each_provider();
  std::size_t before = 0;
  for (int round = 0; round < 4; ++round) {
    Loopback loopback(provider);
    Libos stays(loopback);
    Qd on_stays = 0;
    Qt pop = 0;
    {
      Libos goes(loopback);
      const auto [client, server] = connection(stays, goes);
      on_stays = client;
      const Qd listener = goes.listener();
      goes.accept(listener);
      goes.pop(server);
      // Somebody who will not be accepted, and one who does not get that far.
      const Qd waiting = stays.socket();
      stays.connect(waiting, goes.address(listener));
      loopback.turns(30);
      goes.connect(goes.socket(), stays.address(stays.listener()));
      for (int i = 0; i < 40; ++i) goes.push(server, message(1, 5000));
      for (int i = 0; i < 3; ++i) stays.push(client, message(2, 5000));
      loopback.turns(round * 3);
      pop = stays.pop(client);
    }
    // What had arrived, and then the end or a reset.
    Completion c = stays.wait(pop);
    while (c.result > 0) {
      stays.take(c);
      c = stays.wait(stays.pop(on_stays));
    }
    CAPTURE(c.result);
    CHECK((c.result == 0 || c.result == -ECONNRESET || c.result == -ECONNABORTED));
    if (round == 1) before = heap_bytes();
  }
  CHECK(heap_bytes() <= before + 16384);
}

}  // namespace close_test
