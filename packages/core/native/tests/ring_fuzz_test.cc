// Garbage in every word JavaScript can write, mixed with valid calls. Nothing may crash or trip a sanitizer, and when everything is
// closed and freed, nothing may be held.
#include <doctest/doctest.h>

#include "application.hpp"
#include "held_queue.hpp"
#include "seed.hpp"

namespace ring_fuzz_test {

using namespace demi;
using demi::test::Application;
using demi::test::Random;

namespace {

class Fuzzer {
 public:
  explicit Fuzzer(Random& random) : random_(random) {
    for (int i = 0; i < 3; ++i) open(std::make_unique<MemoryQueue>(app_.runtime(), 1 + random_.below(4)));
  }

  void round() {
    const std::uint32_t entries = random_.below(24);
    for (std::uint32_t i = 0; i < entries; ++i) {
      const std::int32_t op = opcode();
      const bool quiet = (op & 0xff) == layout::kOpPush && (op >> 8 & layout::kFlagQuiet) != 0;
      app_.raw(op, descriptor(), quiet && !random_.one_in(8) ? 0 : token(), argument());
    }
    if (random_.one_in(4)) corrupt_a_descriptor();
    if (random_.one_in(50)) corrupt_an_index();
    if (random_.one_in(8)) control_call();
    for (const auto& c : app_.turn()) remember(c);
    if (random_.one_in(2)) returned();
    if (random_.one_in(16)) finish_held();
  }

  // Closes and frees everything; what is left afterwards is a leak.
  void end() {
    app_.runtime().submit();
    for (const Qd qd : qds_) app_.runtime().close(qd);
    for (int i = 0; i < 100; ++i) app_.resynchronize();
    app_.free_all();
  }

  Application& app() { return app_; }

 private:
  std::int32_t garbage() {
    static constexpr std::int32_t kEdges[] = {
        0, 1, -1, 2, 16, 17, 63, 64, 255, 256, 257, 0x3ffff, 0x7fffffff, static_cast<std::int32_t>(0x80000000)};
    return random_.one_in(2) ? kEdges[random_.below(std::size(kEdges))] : static_cast<std::int32_t>(random_.bits());
  }
  std::int32_t opcode() {
    if (random_.one_in(8)) return garbage();
    return static_cast<std::int32_t>(1 + random_.below(5)) | static_cast<std::int32_t>(random_.below(8)) << 8;
  }
  Qd descriptor() {
    if (random_.one_in(8)) return garbage();
    // Of the latest few, most of which are open.
    const auto n = static_cast<std::uint32_t>(qds_.size());
    return qds_[n - 1 - random_.below(std::min(n, 7u))];
  }
  Qt token() {
    if (random_.one_in(8)) return garbage();
    // Any generation of a valid index: often one that is in use.
    return static_cast<Qt>((1 + random_.below(3)) << layout::kTokenIndexBits | random_.below(app_.limits().tokens));
  }
  std::int32_t argument() {
    if (random_.one_in(8)) return garbage();
    if (!sgas_.empty() && !random_.one_in(4)) return sgas_[random_.below(static_cast<std::uint32_t>(sgas_.size()))];
    std::uint32_t sizes[layout::kMaxSegments + 1];
    const std::uint32_t n = random_.one_in(3) ? 1 + random_.below(17) : 1;
    for (std::uint32_t i = 0; i < n; ++i) sizes[i] = random_.below(random_.one_in(4) ? 70000 : 300);
    const Sga sga = app_.runtime().alloc_chain({sizes, n});
    if (sga != 0) sgas_.push_back(sga);
    if (sgas_.size() > 64) sgas_.erase(sgas_.begin());  // forgotten, so that stale handles also occur
    return sga;
  }
  void corrupt_a_descriptor() {
    const std::uint32_t slot = random_.below(app_.limits().class_slots());
    // Only what JavaScript may write: free_all() reads the handles.
    static constexpr std::int32_t kWritable[] = {layout::kSlotOffset, layout::kSlotLength, layout::kSlotFamily,
                                                 layout::kSlotPort, layout::kSlotScope};
    app_.descriptor(slot)[kWritable[random_.below(std::size(kWritable))]] = garbage();
  }
  void corrupt_an_index() {
    static constexpr std::int32_t kWords[] = {layout::kWordSqTail, layout::kWordCqHead, layout::kWordCqTail,
                                              layout::kWordReturnedCount, layout::kWordCqMore};
    app_.word(kWords[random_.below(std::size(kWords))]) = garbage();
    app_.runtime().poll(0);
    app_.resynchronize();
    app_.word(layout::kWordReturnedCount) = 0;
  }
  void control_call() {
    Runtime& runtime = app_.runtime();
    switch (random_.below(8)) {
      case 0:
        runtime.cancel(token());
        break;
      case 1:
        runtime.drop(token());
        break;
      case 2:
        runtime.close(descriptor());
        break;
      case 3:
        runtime.connect(descriptor(), token(), Address{});
        break;
      case 4:
        runtime.refill(random_.below(5), random_.bits());
        break;
      case 5:
        app_.free_all();
        break;
      case 6:
        open(std::make_unique<MemoryQueue>(runtime, 1 + random_.below(4)));
        break;
      case 7:
        auto queue = std::make_unique<test::HeldQueue>(runtime);
        queue->recallable = random_.one_in(2);
        open(std::move(queue));
        break;
    }
  }
  void open(std::unique_ptr<Queue> queue) {
    if (qds_.size() > 6) app_.runtime().close(qds_[qds_.size() - 6]);  // room, mostly
    if (const Qd qd = app_.runtime().adopt(std::move(queue)); qd > 0) qds_.push_back(qd);
  }
  void finish_held() {
    for (const Qd qd : qds_) {
      auto* queue = dynamic_cast<test::HeldQueue*>(app_.runtime().find(qd));
      while (queue != nullptr && !queue->held.empty()) {
        const bool pop = queue->held.front()->code == layout::kOpPop;
        const Sga sga = pop ? app_.arena().alloc(1 + random_.below(300)) : 0;
        queue->finish(sga == 0 && random_.one_in(3) ? -EPIPE : 1, sga);
      }
    }
  }
  void remember(const test::Completion& c) {
    if (c.result > 0 && c.value > 0) sgas_.push_back(c.value);
  }
  void returned() {
    std::int32_t& count = app_.word(layout::kWordReturnedCount);
    CHECK(count >= 0);
    count = 0;
  }

  Random& random_;
  Application app_;
  std::vector<Qd> qds_;  // all there ever were
  std::vector<Sga> sgas_;
};

}  // namespace

TEST_CASE("fuzz: garbage in rings and descriptors") {
  Random random(test::seed("ring fuzz"));
  test::Budget budget(1, 20);
  double invalid = 0;
  double completed = 0;
  while (budget.left()) {
    Fuzzer fuzzer(random);
    for (int i = 0; i < 500; ++i) fuzzer.round();
    invalid += fuzzer.app().stats()["invalidEntries"];
    completed += fuzzer.app().stats()["completed"];
    fuzzer.end();
    REQUIRE(fuzzer.app().at_rest());
  }
  MESSAGE(budget.rounds() << " runs, " << completed << " operations completed, " << invalid << " entries refused");
  CHECK(invalid > 0);
  CHECK(completed > 0);
}

}  // namespace ring_fuzz_test
