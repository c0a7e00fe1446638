#include <doctest/doctest.h>

#include "demi/op.hpp"

namespace op_table_test {

using namespace demi;

namespace {
constexpr Qt token(std::uint32_t generation, std::uint32_t index) {
  return static_cast<Qt>(generation << layout::kTokenIndexBits | index);
}
}  // namespace

TEST_CASE("op table: a token finds its operation until it finishes, then nothing") {
  OpTable table(4);
  Op* op = table.start(token(1, 3));
  REQUIRE(op != nullptr);
  CHECK(table.find(token(1, 3)) == op);
  CHECK(table.in_use() == 1);
  table.finish(*op);
  CHECK(table.find(token(1, 3)) == nullptr);
  CHECK(table.in_use() == 0);
}

TEST_CASE("op table: refuses tokens that name no entry, and one still outstanding") {
  OpTable table(4);
  CHECK(table.start(0) == nullptr);
  CHECK(table.start(-1) == nullptr);
  CHECK(table.start(token(1, 4)) == nullptr);
  CHECK(table.start(token(1, 0x1ffff)) == nullptr);
  REQUIRE(table.start(token(1, 0)) != nullptr);
  CHECK(table.start(token(1, 0)) == nullptr);
  CHECK(table.start(token(2, 0)) == nullptr);  // same entry, other generation
  CHECK(table.in_use() == 1);
}

TEST_CASE("op table: a stale generation does not find the operation that has the entry now") {
  OpTable table(1);
  table.finish(*table.start(token(1, 0)));
  Op* now = table.start(token(2, 0));
  REQUIRE(now != nullptr);
  CHECK(table.find(token(1, 0)) == nullptr);
  CHECK(table.find(token(2, 0)) == now);
  CHECK(table.find(-1) == nullptr);
}

TEST_CASE("op table: a reused entry starts clean") {
  OpTable table(1);
  Op* op = table.start(token(1, 0));
  op->dropped = op->started = true;
  op->cursor = 7;
  table.finish(*op);
  op = table.start(token(2, 0));
  op->begin(layout::kOpPop, 0, 1);
  CHECK_FALSE(op->dropped);
  CHECK_FALSE(op->started);
  CHECK(op->cursor == 0);
}

TEST_CASE("op list: first in, first out, and removal from anywhere") {
  OpTable table(4);
  Op* ops[4];
  OpList list;
  CHECK(list.pop_front() == nullptr);
  for (std::uint32_t i = 0; i < 4; ++i) list.push_back(*(ops[i] = table.start(token(1, i))));
  CHECK(list.size() == 4);
  CHECK(ops[2]->linked);
  list.remove(*ops[2]);  // middle
  CHECK_FALSE(ops[2]->linked);
  list.remove(*ops[3]);  // tail
  CHECK(list.pop_front() == ops[0]);
  CHECK(list.front() == ops[1]);
  list.push_back(*ops[3]);
  CHECK(list.pop_front() == ops[1]);
  CHECK(list.pop_front() == ops[3]);
  CHECK(list.empty());
  CHECK(list.size() == 0);
}

TEST_CASE("op list: what is put back in front comes before the others") {
  Op ops[3];
  OpList list;
  list.push_front(ops[1]);
  list.push_back(ops[2]);
  list.push_front(ops[0]);
  CHECK(list.size() == 3);
  for (Op& op : ops) {
    CHECK(op.linked);
    CHECK(list.pop_front() == &op);
    CHECK_FALSE(op.linked);
  }
  CHECK(list.empty());
  list.push_front(ops[1]);
  list.push_front(ops[0]);
  list.remove(ops[1]);
  list.push_back(ops[2]);
  CHECK(list.pop_front() == &ops[0]);
  CHECK(list.pop_front() == &ops[2]);
  CHECK(list.empty());
}

}  // namespace op_table_test
