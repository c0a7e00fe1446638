#include <doctest/doctest.h>

#include <set>

#include "application.hpp"

namespace descriptor_table_test {

using namespace demi;

namespace {
struct Fixture {
  Runtime runtime{test::small_limits()};
  std::unique_ptr<Queue> queue() { return std::make_unique<MemoryQueue>(runtime, 1); }
};
}  // namespace

TEST_CASE_FIXTURE(Fixture, "descriptor table: finds what was inserted, and the queue knows its descriptor") {
  DescriptorTable table(2);
  const Qd qd = table.insert(queue());
  CHECK(qd > 0);
  REQUIRE(table.find(qd) != nullptr);
  CHECK(table.find(qd)->qd() == qd);
  CHECK(table.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "descriptor table: nothing is found under numbers it never gave") {
  DescriptorTable table(2);
  const Qd qd = table.insert(queue());
  for (const Qd wrong : {0, -1, qd + 1, qd - 1, qd | layout::kDerivedQueueBit, qd + (1 << layout::kQueueIndexBits),
                         static_cast<Qd>(0x80000000), 0x7fffffff}) {
    CHECK(table.find(wrong) == nullptr);
    CHECK(table.remove(wrong) == nullptr);
  }
  CHECK(table.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "descriptor table: a closed descriptor stays closed while its entry is used again") {
  DescriptorTable table(1);
  std::set<Qd> seen;
  Qd before = 0;
  for (int i = 0; i < 8000; ++i) {  // below the 8191 generations of an entry
    const Qd qd = table.insert(queue());
    REQUIRE(qd > 0);
    REQUIRE((qd & layout::kDerivedQueueBit) == 0);
    REQUIRE(seen.insert(qd).second);
    REQUIRE(table.find(before) == nullptr);
    REQUIRE(table.remove(qd) != nullptr);
    REQUIRE(table.remove(qd) == nullptr);
    before = qd;
  }
  CHECK(table.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "descriptor table: generations wrap without leaving their bits") {
  DescriptorTable table(1);
  for (int i = 0; i < 40000; ++i) {
    const Qd qd = table.insert(queue());
    REQUIRE(qd > 0);
    REQUIRE((qd & layout::kDerivedQueueBit) == 0);
    REQUIRE(table.remove(qd) != nullptr);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "descriptor table: in a table of the usual size no descriptor comes back for millions of closes") {
  DescriptorTable table(4096);
  std::set<Qd> seen;
  for (int i = 0; i < 100'000; ++i) {  // far more than one entry has generations
    const Qd qd = table.insert(queue());
    REQUIRE(qd > 0);
    REQUIRE(seen.insert(qd).second);
    REQUIRE(table.remove(qd) != nullptr);
  }
  CHECK(table.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "descriptor table: full is EMFILE, and room comes back with a close") {
  DescriptorTable table(3);
  Qd qds[3];
  for (Qd& qd : qds) qd = table.insert(queue());
  CHECK(table.insert(queue()) == -EMFILE);
  CHECK(table.size() == 3);
  table.remove(qds[1]);
  CHECK(table.insert(queue()) > 0);
  CHECK(table.insert(queue()) == -EMFILE);
}

TEST_CASE_FIXTURE(Fixture, "descriptor table: for_each visits the open ones and may close them") {
  DescriptorTable table(4);
  std::set<Qd> open;
  for (int i = 0; i < 4; ++i) open.insert(table.insert(queue()));
  const Qd closed = *open.begin();
  table.remove(closed);
  open.erase(closed);
  std::set<Qd> visited;
  table.for_each([&](Qd qd) {
    visited.insert(qd);
    table.remove(qd);
  });
  CHECK(visited == open);
  CHECK(table.size() == 0);
}

}  // namespace descriptor_table_test
