// Flow control: the smallest window, peers that do not pop, messages of every size, receives that run out and come back.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "loopback.hpp"
#include "seed.hpp"

namespace credits_test {

using namespace demi::rdma::test;
using demi::Qd;
using demi::Qt;
using demi::Sga;
using demi::test::Random;

namespace {

// One direction of a connection: messages by number, checked as they arrive.
class Flow {
 public:
  Flow(Libos& from, Qd out, Libos& to, Qd in, std::vector<std::size_t> sizes)
      : from_(from), to_(to), out_(out), in_(in), sizes_(std::move(sizes)) {}

  // Keeps up to `pushes` and `pops` of them waiting. True when all have arrived and all pushes are over.
  bool turn(std::size_t pushes, std::size_t pops) {
    while (!pushes_.empty() && from_.done(pushes_.front().first)) {
      REQUIRE(from_.wait(pushes_.front().first).result == static_cast<std::int32_t>(pushes_.front().second));
      pushes_.pop_front();
    }
    while (!pops_.empty() && to_.done(pops_.front())) {
      const std::string got = to_.take(to_.wait(pops_.front()));
      REQUIRE(got.size() == sizes_[arrived_]);
      REQUIRE(got == message(static_cast<std::uint32_t>(arrived_), sizes_[arrived_]));
      ++arrived_;
      pops_.pop_front();
    }
    for (; pushes_.size() < pushes && sent_ < sizes_.size(); ++sent_)
      pushes_.emplace_back(from_.push(out_, message(static_cast<std::uint32_t>(sent_), sizes_[sent_])), sizes_[sent_]);
    while (pops_.size() < pops && arrived_ + pops_.size() < sizes_.size()) pops_.push_back(to_.pop(in_));
    return arrived_ == sizes_.size() && pushes_.empty();
  }
  std::size_t arrived() const { return arrived_; }

 private:
  Libos& from_;
  Libos& to_;
  Qd out_;
  Qd in_;
  std::vector<std::size_t> sizes_;
  std::size_t sent_ = 0;
  std::size_t arrived_ = 0;
  std::deque<std::pair<Qt, std::size_t>> pushes_;
  std::deque<Qt> pops_;
};

void close_both(Libos& a, Qd on_a, Libos& b, Qd on_b) {
  a.close(on_a);
  b.close(on_b);
  a.check_clean();
  b.check_clean();
}

std::vector<std::size_t> random_sizes(Random& random, std::size_t count, std::uint32_t most) {
  std::vector<std::size_t> sizes(count);
  for (auto& size : sizes) size = 1 + random.below(most);
  return sizes;
}

}  // namespace

TEST_CASE("with a single credit, thousands of messages go both ways at once") {
  const std::string provider = each_provider();
  Random random(demi::test::seed("one credit"));
  Loopback loopback(provider);
  const demi::Config one{{"credits", "1"}};
  Libos a(loopback, one);
  Libos b(loopback, one);
  const auto [on_a, on_b] = connection(a, b);
  Flow there(a, on_a, b, on_b, random_sizes(random, 4000, 64));
  Flow back(b, on_b, a, on_a, random_sizes(random, 4000, 64));
  CHECK(loopback.until(
      [&] {
        const bool done = there.turn(8, 4);
        return back.turn(8, 4) && done;
      },
      200));
  CHECK(there.arrived() == 4000);
  CHECK(back.arrived() == 4000);
  CHECK(a.stat("creditStalls") > 0);
  close_both(a, on_a, b, on_b);
}

TEST_CASE("windows of different sizes, and buffers, fit together") {
  const std::string provider = each_provider();
  Random random(demi::test::seed("windows"));
  for (const auto& [credits, slot] : {std::pair{"1", "256"}, {"3", "512"}, {"64", "16384"}}) {
    CAPTURE(credits);
    Loopback loopback(provider);
    Libos a(loopback);
    Libos b(loopback, demi::Config{{"credits", credits}, {"slot", slot}});
    const auto [on_a, on_b] = connection(a, b);
    Flow there(a, on_a, b, on_b, random_sizes(random, 150, 20'000));
    Flow back(b, on_b, a, on_a, random_sizes(random, 150, 20'000));
    CHECK(loopback.until(
        [&] {
          const bool done = there.turn(6, 1 + random.below(5));
          return back.turn(6, 1 + random.below(5)) && done;
        },
        120));
    close_both(a, on_a, b, on_b);
  }
}

TEST_CASE("a peer that stops popping stalls only its own sender, and gets everything when it goes on") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos os(loopback);
  Libos lazy(loopback);
  Libos busy(loopback);
  const auto [to_lazy, on_lazy] = connection(os, lazy);
  const auto [to_busy, on_busy] = connection(os, busy);
  Flow stalled(os, to_lazy, lazy, on_lazy, std::vector<std::size_t>(300, 3000));
  Flow flowing(os, to_busy, busy, on_busy, std::vector<std::size_t>(1000, 100));
  Flow backwards(lazy, on_lazy, os, to_lazy, std::vector<std::size_t>(1000, 50));
  // It sends, and it takes nothing: the other direction of its connection also goes on.
  CHECK(loopback.until(
      [&] {
        stalled.turn(40, 0);
        const bool done = flowing.turn(8, 8);
        return backwards.turn(8, 8) && done;
      },
      120));
  CHECK(stalled.arrived() == 0);
  CHECK(os.stat("creditStalls") > 0);
  CHECK(os.stat("sendsUnderWay") == 0);
  CHECK(loopback.until([&] { return stalled.turn(40, 4); }, 120));
  os.close(to_busy);
  os.close(to_lazy);
  busy.close(on_busy);
  lazy.close(on_lazy);
  for (Libos* one : {&os, &lazy, &busy}) one->check_clean();
}

TEST_CASE("messages of every size arrive as they were") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback);
  const auto [on_a, on_b] = connection(a, b);
  std::vector<std::size_t> sizes;
  // Around what is copied, what fits a receive, and what fits two; around the size classes; the largest.
  for (const std::size_t at : {1u, 128u, 240u, 256u, 4080u, 4096u, 8160u, 65536u, 16u * 4080, 1u << 20}) {
    for (std::size_t n = std::max<std::size_t>(at, 3) - 2; n <= std::min<std::size_t>(at + 2, 1u << 20); ++n)
      sizes.push_back(n);
  }
  Random random(demi::test::seed("sizes"));
  std::shuffle(sizes.begin(), sizes.end(), std::mt19937_64(random.bits()));
  for (int i = 0; i < 2; ++i) sizes.push_back(1u << 20);
  Flow there(a, on_a, b, on_b, sizes);
  CHECK(loopback.until([&] { return there.turn(1, 1); }, 120));
  Flow back(b, on_b, a, on_a, sizes);
  CHECK(loopback.until([&] { return back.turn(1, 1); }, 120));

  SUBCASE("one byte more than the largest is refused here, and the connection stays") {
    const Sga sga = a.app().alloc({1u << 20, 1});
    REQUIRE(sga != 0);
    CHECK(a.wait(a.app().push(on_a, sga, demi::layout::kFlagFree)).result == -EMSGSIZE);
    Flow after(a, on_a, b, on_b, {10});
    CHECK(loopback.until([&] { return after.turn(1, 1); }));
  }
  SUBCASE("of sixteen segments") {
    for (const std::uint32_t each : {1u, 15u, 16u, 300u, 4096u}) {
      std::vector<std::uint32_t> segments(16, each);
      const Sga sga = a.runtime().alloc_chain(segments);
      REQUIRE(sga != 0);
      std::string sent = message(each, each * std::size_t{16});
      std::size_t at = 0;
      a.app().arena().for_each_segment(sga, [&](std::span<std::uint8_t> segment) {
        std::copy_n(sent.begin() + static_cast<std::ptrdiff_t>(at), segment.size(), segment.begin());
        at += segment.size();
      });
      const Qt push = a.app().push(on_a, sga, demi::layout::kFlagFree);
      CHECK(b.take(b.wait(b.pop(on_b))) == sent);
      CHECK(a.wait(push).result == static_cast<std::int32_t>(sent.size()));
    }
  }
  SUBCASE("in pops that want less") {
    for (const std::size_t bytes : {100u, 5000u, 70'000u}) {
      const std::string sent = message(1, bytes);
      const Qt push = a.push(on_a, sent);
      std::string got;
      while (got.size() < bytes) got += b.take(b.wait(b.pop(on_b, static_cast<std::int32_t>(bytes / 7 + 1))));
      CHECK(got == sent);
      a.wait(push);
    }
  }
  close_both(a, on_a, b, on_b);
}

TEST_CASE("a small limit of the other side is kept to") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  Libos b(loopback, demi::Config{{"maxMessage", "5000"}});
  const auto [on_a, on_b] = connection(a, b);
  const Qt first = a.push(on_a, message(1, 5000));
  const Qt large = a.push(on_a, message(2, 5001));
  const Qt last = a.push(on_a, "after");
  CHECK(b.take(b.wait(b.pop(on_b))) == message(1, 5000));
  CHECK(b.take(b.wait(b.pop(on_b))) == "after");
  CHECK(a.wait(first).result == 5000);
  CHECK(a.wait(large).result == -EMSGSIZE);
  CHECK(a.wait(last).result == 5);
  close_both(a, on_a, b, on_b);
}

TEST_CASE("connections are accepted while there are receives for them, and again when one has closed") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos client(loopback);
  Libos os(loopback, demi::Config{{"receives", "64"}});
  const Qd listener = os.listener();
  std::vector<std::pair<Qd, Qd>> open;
  for (int i = 0; i < 3; ++i) {  // 19 receives each
    const Qt accepted = os.accept(listener);
    const Qd qd = client.socket();
    REQUIRE(client.wait(client.connect(qd, os.address(listener))).result == 0);
    open.emplace_back(qd, os.wait(accepted).value);
  }
  const Qt accepted = os.accept(listener);
  const Qd one_more = client.socket();
  CHECK(client.wait(client.connect(one_more, os.address(listener))).result == -ECONNREFUSED);
  CHECK(os.stat("requestsRefused") == 1);
  client.close(open[0].first);
  os.close(open[0].second);
  REQUIRE(loopback.until([&] { return os.stat("receivesFree") >= 19; }));
  CHECK(client.wait(client.connect(one_more, os.address(listener))).result == 0);
  open[0] = {one_more, os.wait(accepted).value};
  for (const auto& [on_client, on_os] : open) {
    Flow flow(client, on_client, os, on_os, std::vector<std::size_t>(20, 9000));
    CHECK(loopback.until([&] { return flow.turn(3, 1); }));
  }
  for (const auto& [on_client, on_os] : open) {
    client.close(on_client);
    os.close(on_os);
  }
  os.close(listener);
  client.check_clean();
  os.check_clean();
}

TEST_CASE("an application that holds all receives gets the next message for each one it frees") {
  const std::string provider = each_provider();
  for (const std::string credits : {"1", "2", "16", "32"}) {
    CAPTURE(credits);
    Loopback loopback(provider);
    Libos a(loopback);
    Libos b(loopback, demi::Config{{"receives", "64"}, {"credits", credits}});
    const auto [on_a, on_b] = connection(a, b);
    std::vector<Qt> pushes;
    constexpr std::uint32_t kMessages = 200;
    for (std::uint32_t i = 0; i < kMessages; ++i) pushes.push_back(a.push(on_a, message(i, 50 + i)));
    // Takes and keeps until nothing comes any more.
    std::deque<Sga> held;
    std::uint32_t arrived = 0;
    Qt pop = b.pop(on_b);
    const auto take = [&] {
      const Completion c = b.wait(pop);
      REQUIRE(c.result == static_cast<std::int32_t>(50 + arrived));
      REQUIRE(b.app().text(c.value) == message(arrived, 50 + arrived));
      held.push_back(c.value);
      ++arrived;
      pop = b.pop(on_b);
    };
    while (loopback.until([&] { return b.done(pop); }, 1)) take();
    CHECK(b.stat("receivesFree") == 0);
    CHECK(arrived < 65);
    CHECK(arrived > 40);
    // One for one: the peer is told of every receive that is posted, however few they are.
    while (arrived < kMessages) {
      b.app().free(held.front());
      held.pop_front();
      REQUIRE_MESSAGE(loopback.until([&] { return b.done(pop); }, 20), "stalls after " << arrived);
      take();
    }
    for (std::uint32_t i = 0; i < kMessages; ++i) CHECK(a.wait(pushes[i]).result == static_cast<std::int32_t>(50 + i));
    for (const Sga sga : held) b.app().free(sga);
    close_both(a, on_a, b, on_b);
    CHECK(b.wait(pop).result == -ECANCELED);
  }
}

TEST_CASE("without memory for a message in fragments a pop waits, and gets it when there is some") {
  const std::string provider = each_provider();
  Loopback loopback(provider);
  Libos a(loopback);
  demi::Limits limits = Libos::usual_limits();
  limits.classes = {{256, 64}, {65536, 16}};
  Libos b(loopback, demi::Config{{"maxMessage", "100000"}}, limits);
  const auto [on_a, on_b] = connection(a, b);
  std::vector<Sga> hog;
  while (const Sga sga = b.app().alloc({300})) hog.push_back(sga);
  const std::string sent = message(3, 100'000);
  const Qt push = a.push(on_a, sent);
  const Qt pop = b.pop(on_b);
  CHECK(!loopback.until([&] { return b.done(pop) || a.done(push); }, 0.5));
  for (const Sga sga : hog) b.app().free(sga);
  CHECK(b.take(b.wait(pop)) == sent);
  CHECK(a.wait(push).result == 100'000);
  close_both(a, on_a, b, on_b);
}

}  // namespace credits_test
