#include <doctest/doctest.h>

#include "interpreter.hpp"
#include "sha1.hpp"

namespace state_test {

using demi::script::State;
using demi::script::test::Application;
using demi::script::test::Interpreter;

namespace {

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("SHA1 of FIPS 180-4's examples, and around the ends of blocks") {
  const auto of = [](const std::string& text) {
    char digest[41];
    demi::script::sha1_hex(text.data(), text.size(), digest);
    return std::string(digest);
  };
  CHECK(of("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(of("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(of(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  CHECK(of(std::string(55, 'a')) == "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  CHECK(of(std::string(64, 'a')) == "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

TEST_CASE("no script changes what the next one sees") {
  Interpreter interpreter;
  for (const char* attempt : {
           "x = 1",
           "_G.x = 1",
           "rawset(_G, 'x', 1)",
           "setmetatable(_G, {})",
           "getmetatable(_G).__index = function() return 1 end",
           "getmetatable('').__index = {}",
           "string.upper = nil",
           "redis.call = nil",
           "redis.x = 1",
           "rawset(redis, 'x', 1)",
           "table.insert(redis, 1)",
           "table.remove(redis)",
           "table.sort(redis)",
           "table.setn(redis, 1)",
           "cjson.null = 1",
           "math.random = nil",
           "coroutine.wrap = nil",
           "KEYS = nil",
       }) {
    CAPTURE(attempt);
    CHECK(has(interpreter.run(attempt), "Attempt to modify a readonly table"));
  }
  for (const char* name : {"x", "os", "io", "debug", "require", "package", "dofile", "loadfile", "print", "getfenv",
                           "setfenv", "newproxy", "module"}) {
    CAPTURE(name);
    CHECK(has(interpreter.run(std::string("return ") + name), "nonexistent global variable"));
  }
  CHECK(interpreter.run("return {string.upper('a'), ('a'):upper(), type(redis.call), #ARGV}") ==
        "*4\r\n$1\r\nA\r\n$1\r\nA\r\n$8\r\nfunction\r\n:0\r\n");
}

TEST_CASE("what pairs, next and rawget see of a protected table leads to no table that can be changed") {
  Interpreter interpreter;
  const std::string seen = interpreter.run(R"(
    local told = {}
    for name, value in pairs(_G) do
      if type(value) == 'table' and name ~= 'KEYS' and name ~= 'ARGV' then
        local changed = pcall(function() value.x = 1 end) or pcall(rawset, value, 'x', 1)
        if changed then told[#told + 1] = name end
      end
    end
    return told)");
  CHECK(seen == "*0\r\n");
  CHECK(has(interpreter.run("next(_G) rawget(_G, 'string').x = 1"), "readonly"));
  CHECK(has(interpreter.run("getmetatable('').__index.x = 1"), "readonly"));
}

TEST_CASE("bytes of a compiled function are no source") {
  Interpreter interpreter;
  CHECK(interpreter.run("return {loadstring(string.dump(function() end))}") == "*0\r\n");
  CHECK(has(interpreter.run("local f, why = loadstring(string.dump(function() end)) return why"), "char(27)"));
  CHECK(has(interpreter.run("local n = 0 local f, why = load(function() n = n + 1 return n == 1 and '' or n == 2 and "
                            "string.dump(function() end) or nil end) return why"),
            "char(27)"));
  CHECK(has(interpreter.run("\x1bLua"), "char(27)"));
  CHECK(interpreter.run("return load(function() return nil end) and 1") == ":1\r\n");
}

TEST_CASE("memory ends with an error, and is there again for the next script") {
  Interpreter interpreter(16 << 20);
  for (const char* source :
       {"local t = {} while true do t[#t + 1] = {} end", "return string.rep('x', 100000000)",
        "local s = 'x' while true do s = s .. s end", "local t = {} for i = 1, 1e9 do t[i] = i end",
        "return cjson.encode(string.rep('x', 9e6))", "return cmsgpack.pack(string.rep('x', 9e6), string.rep('y', 9e5))",
        "local s = string.rep('x', 9e6) return redis.call(s, s .. 'y')"}) {
    CAPTURE(source);
    CHECK(has(interpreter.run(source), "not enough memory"));
    CHECK(interpreter.run("return 1") == ":1\r\n");
  }
}

TEST_CASE("there is an error when the server has no memory for the reply") {
  Interpreter interpreter;
  interpreter.application.most = 100'000;
  CHECK(interpreter.run("return string.rep('x', 1000000)") ==
        "-ERR Error running script sha, not enough memory for the reply\r\n");
  CHECK(interpreter.run("return string.rep('x', 10)").size() == 17);
}

TEST_CASE("what calls itself for ever ends with an error") {
  Interpreter interpreter;
  CHECK(has(interpreter.run("local function f() return 1 + f() end return f()"), "stack overflow"));
  CHECK(has(interpreter.run("local function f() return pcall(f) end return f()"), ":"));
  CHECK(has(interpreter.run("local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x"),
            "overflow"));
  CHECK(has(interpreter.run("return string.rep('(', 300) .. 1"), "(((("));
  CHECK(has(interpreter.run("return " + std::string(300, '(') + "1" + std::string(300, ')')), "-"));
  CHECK(has(interpreter.run("local function f() return coroutine.wrap(f)() end return f()"), "overflow"));
  CHECK(has(interpreter.run("error(setmetatable({}, {__index = function() error('x') end}))"), "-ERR"));
}

TEST_CASE("an endless script is ended when the server says so, whatever it catches") {
  Interpreter interpreter;
  interpreter.application.control[demi::script::THRESHOLD] = 1;
  for (const char* source :
       {"while true do end", "while true do pcall(function() while true do end end) end", "repeat until false",
        "local f f = function() return f() end return f()",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"}) {
    CAPTURE(source);
    CHECK(has(interpreter.run(source), "Script killed by user"));
  }
}

TEST_CASE("replies of commands become values, and values replies") {
  Interpreter interpreter;
  const auto returned = [&](const char* reply) {
    interpreter.application.answer = reply;
    return interpreter.run("return redis.pcall('x')");
  };
  CHECK(returned(":-123\r\n") == ":-123\r\n");
  CHECK(returned("+OK\r\n") == "+OK\r\n");
  CHECK(returned("-WRONG thing\r\n") == "-WRONG thing\r\n");
  CHECK(returned("-\r\n") == "-ERR \r\n");
  CHECK(returned("$-1\r\n") == "$-1\r\n");
  CHECK(returned("*-1\r\n") == "$-1\r\n");
  CHECK(returned("*3\r\n:1\r\n$2\r\nab\r\n*0\r\n") == "*3\r\n:1\r\n$2\r\nab\r\n*0\r\n");
  CHECK(returned("%1\r\n+a\r\n:1\r\n") == "*2\r\n+a\r\n:1\r\n");
  CHECK(returned("~1\r\n$1\r\na\r\n") == "*1\r\n$1\r\na\r\n");
  CHECK(returned(",1.5\r\n") == "$3\r\n1.5\r\n");
  CHECK(returned(",inf\r\n") == "$3\r\ninf\r\n");
  CHECK(returned("(123456789012345678901\r\n") == "$21\r\n123456789012345678901\r\n");
  CHECK(returned("=7\r\ntxt:abc\r\n") == "$3\r\nabc\r\n");
  CHECK(returned("|1\r\n+a\r\n+b\r\n:5\r\n") == ":5\r\n");
  CHECK(returned("#t\r\n") == ":1\r\n");
  CHECK(returned("_\r\n") == "$-1\r\n");
  CHECK(interpreter.application.calls == 16);
}

TEST_CASE("a library that fails leaves nothing") {
  Application application;
  State state(application, true, 16 << 20);
  std::string error;
  const auto load = [&](const std::string& source) { return state.load(source.data(), source.size(), 100, error); };
  CHECK(load("redis.register_function('f', function() return 1 end)"));
  REQUIRE(state.registered.size() == 1);
  for (const char* source :
       {"redis.register_function('g', function() end) error('x')", "x = 1", "return string", "while true do end",
        "redis.register_function('a b', function() end)", "redis.register_function{}",
        "redis.register_function{function_name={}}", "redis.register_function{[1]=1}", "redis.register_function('g')",
        "return redis.call",
        "redis.register_function('g', function() end) redis.register_function('g', function() end)",
        "redis.register_function{function_name='g', callback=function() end, flags={'x'}}"}) {
    CAPTURE(source);
    CHECK_FALSE(load(source));
    CHECK(has(error, "Error registering functions"));
    CHECK(state.registered.empty());
  }
  CHECK(load("redis.register_function{function_name='g', callback=function() return string end, flags={'no-writes'}}"));
}

}  // namespace state_test
