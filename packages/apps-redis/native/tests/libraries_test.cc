#include <doctest/doctest.h>

#include "interpreter.hpp"
#include "seed.hpp"

namespace libraries_test {

using demi::script::test::Interpreter;
using demi::test::Budget;
using demi::test::Random;

namespace {

// Bytes that are almost what is read.
std::string changed(Random& random, std::string text) {
  for (std::uint32_t i = random.below(4); i > 0 && !text.empty(); --i) {
    const std::uint32_t at = random.below(static_cast<std::uint32_t>(text.size()));
    switch (random.below(3)) {
      case 0:
        text[at] = static_cast<char>(random.bits());
        break;
      case 1:
        text.erase(at, 1 + random.below(4));
        break;
      default:
        text.insert(at, 1, static_cast<char>(random.bits()));
    }
  }
  return text;
}

std::string bytes(Random& random, std::uint32_t most) {
  std::string text(random.below(most), 0);
  for (char& one : text) one = static_cast<char>(random.bits());
  return text;
}

// Whatever is read: the reply is a value, or an error that says what is wrong, and the interpreter goes on.
void fuzz(const char* name, const std::string& script, const std::vector<std::string>& samples,
          const std::string& alphabet) {
  Random random(demi::test::seed(name));
  Interpreter interpreter;
  std::string error;
  for (Budget budget(4, 2000); budget.left();) {
    std::string input;
    if (random.one_in(3)) {
      input = bytes(random, 40);
    } else if (random.one_in(2)) {
      for (std::uint32_t i = random.below(60); i > 0; --i)
        input += alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
    } else {
      input = changed(random, samples[random.below(static_cast<std::uint32_t>(samples.size()))]);
    }
    const std::string reply = interpreter.run(script, {input, bytes(random, 40)});
    REQUIRE(reply.size() >= 3);
    REQUIRE(reply.substr(reply.size() - 2) == "\r\n");
    REQUIRE(reply.find("-ERR Error running script") == std::string::npos);
  }
  CHECK(interpreter.run("return 1") == ":1\r\n");
}

}  // namespace

TEST_CASE("cjson.decode takes anything, and what it takes cjson.encode writes") {
  fuzz("cjson.decode", "local value = cjson.decode(ARGV[1]) return cjson.encode(value)",
       {R"({"a":[1,2.5,-3e10,null,true,false],"b":{"c":"\u00e9\ud83d\ude00\n"}})", R"([[[[[]]]],{}])", "\"text\"", "1"},
       "[]{}:,\"\\utfn0123456789.eE-+ ad");
}

TEST_CASE("cmsgpack.unpack takes anything, and what it takes cmsgpack.pack writes") {
  fuzz("cmsgpack.unpack", "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))",
       {std::string("\x93\x01\xa3"
                    "abc\x81\xa1"
                    "a\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00",
                    18),
        std::string("\xdd\x00\x00\x00\x02\x01\xd9\x02zz", 10),
        std::string("\xdf\x00\x00\x00\x01\x01\xd3\x80\0\0\0\0\0\0\0", 15)},
       std::string(
           "\x90\x91\x92\x80\x81\xdc\xdd\xde\xdf\xa0\xa1\xc0\xc2\xcc\xcd\xce\xcf\xd0\xd1\xd2\xd3\xca\xcb\x00\x01", 25));
}

TEST_CASE("struct.unpack takes any format and any data") {
  fuzz("struct.unpack", "return {struct.unpack(ARGV[1], ARGV[2]), struct.size(ARGV[1])}",
       {">I2i4bBhHlLfdc0s", "!8i1d!1x<i3", "I32", "i4c0"}, "bBhHlLTfdxcsiI<>!0123456789 ");
}

TEST_CASE("struct.unpack at any offset") {
  Interpreter interpreter;
  for (const char* offset : {"0", "-1", "1", "2", "100", "9e15", "-9e15", "1e300", "0/0"}) {
    const std::string reply =
        interpreter.run(std::string("return {struct.unpack('i4c0s', 'abcdefghijkl', ") + offset + ")}");
    CHECK(reply.substr(reply.size() - 2) == "\r\n");
  }
}

TEST_CASE("what nests deeper than a library goes is an error") {
  Interpreter interpreter;
  const std::string deep(100'000, '[');
  CHECK(interpreter.run("return cjson.decode(ARGV[1])", {deep}).find("too many nested") != std::string::npos);
  CHECK(
      interpreter.run("cjson.decode_max_depth(1000000) return cjson.decode(ARGV[1])", {deep}).find("too many nested") !=
      std::string::npos);
  const std::string arrays(100'000, '\x91');
  CHECK(interpreter.run("return cmsgpack.unpack(ARGV[1])", {arrays}).find("stack overflow") != std::string::npos);
  const std::string table = "local t = {} for i = 1, 100000 do t = {t} end ";
  CHECK(interpreter.run(table + "return cjson.encode(t)").find("excessive nesting") != std::string::npos);
  CHECK(interpreter.run(table + "cjson.encode_max_depth(1000000) return cjson.encode(t)").find("excessive nesting") !=
        std::string::npos);
  CHECK(interpreter.run(table + "return #cmsgpack.pack(t)") == ":17\r\n");
  CHECK(interpreter.run(table + "return t").find("reached lua stack limit") != std::string::npos);
}

}  // namespace libraries_test
