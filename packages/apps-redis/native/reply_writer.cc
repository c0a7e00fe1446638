#include <climits>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "errors.hpp"
#include "replies.hpp"

namespace demi::script {
namespace {

// Of one reply.
constexpr std::size_t MOST = 1u << 30;
constexpr int DIGITS = 24;

}  // namespace

void Writer::append(const void* bytes, std::size_t count) {
  const auto length = static_cast<std::size_t>(host_.control[OUT_LENGTH]);
  if (host_.out.size - length < count) {
    host_.control[COUNT] = static_cast<std::int32_t>(length + count);
    if (count > MOST - length || !host_.ask(Operation::GROW_OUT)) luaL_error(L, "not enough memory for the reply");
  }
  if (count != 0) std::memcpy(host_.out.data + length, bytes, count);
  host_.control[OUT_LENGTH] = static_cast<std::int32_t>(length + count);
}

void Writer::head(char kind, std::int64_t count) {
  char line[DIGITS + 4];
  char* at = line + sizeof line;
  *--at = '\n';
  *--at = '\r';
  const bool is_negative = count < 0;
  auto left = static_cast<std::uint64_t>(count);
  if (is_negative) left = 0 - left;
  do {
    *--at = static_cast<char>('0' + left % 10);
    left /= 10;
  } while (left != 0);
  if (is_negative) *--at = '-';
  *--at = kind;
  append(at, static_cast<std::size_t>(line + sizeof line - at));
}

void Writer::bulk(const char* text, std::size_t length) {
  head('$', static_cast<std::int64_t>(length));
  append(text, length);
  append("\r\n", 2);
}

// Line ends within it become spaces.
void Writer::line(char kind, const char* text, std::size_t length) {
  append(&kind, 1);
  plain(text, length);
  append("\r\n", 2);
}

void Writer::plain(const char* text, std::size_t length) {
  const auto began = static_cast<std::size_t>(host_.control[OUT_LENGTH]);
  append(text, length);
  for (std::size_t i = 0; i < length; ++i) {
    std::uint8_t& byte = host_.out.data[began + i];
    if (byte == '\r' || byte == '\n') byte = ' ';
  }
}

void Writer::null() {
  if (is_resp3()) {
    append("_\r\n", 3);
  } else {
    append("$-1\r\n", 5);
  }
}

void Writer::error(const char* text, bool counts) {
  std::size_t length = std::strlen(text);
  while (length != 0 && (text[length - 1] == '\r' || text[length - 1] == '\n')) --length;
  const std::int32_t began = host_.control[OUT_LENGTH];
  line('-', text, length);
  host_.control[COUNT] = counts ? began : -1;
  host_.ask(Operation::ERROR);
}

// Without its fraction; what is no integer of 64 bits is the smallest, as a processor has it.
void Writer::number(double value) {
  head(':', value >= -0x1p63 && value < 0x1p63 ? static_cast<std::int64_t>(value) : INT64_MIN);
}

void Writer::real(double value) {
  char digits[40];
  const int length = std::snprintf(digits, sizeof digits, "%.17g", value);
  if (is_resp3()) {
    line(',', digits, static_cast<std::size_t>(length));
  } else {
    bulk(digits, static_cast<std::size_t>(length));
  }
}

void Writer::verbatim(const char* text, std::size_t length, const char* format) {
  if (!is_resp3()) return bulk(text, length);
  head('=', static_cast<std::int64_t>(length + 4));
  char kind[4] = {' ', ' ', ' ', ':'};
  for (int i = 0; i < 3 && format[i] != 0; ++i) kind[i] = format[i];
  append(kind, 4);
  append(text, length);
  append("\r\n", 2);
}

void Writer::value() {
  if (lua_checkstack(L, 4) == 0) {
    error("ERR reached lua stack limit", true);
    lua_pop(L, 1);
    return;
  }
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
      std::size_t length;
      const char* text = lua_tolstring(L, -1, &length);
      bulk(text, length);
      break;
    }
    case LUA_TBOOLEAN: {
      const bool is_true = lua_toboolean(L, -1) != 0;
      if (host_.control[SCRIPT_RESP] == 3 && is_resp3()) {
        append(is_true ? "#t\r\n" : "#f\r\n", 4);
      } else if (is_true || host_.control[SCRIPT_RESP] == 3) {
        head(':', is_true ? 1 : 0);
      } else {
        null();
      }
      break;
    }
    case LUA_TNUMBER:
      number(lua_tonumber(L, -1));
      break;
    case LUA_TTABLE:
      table();
      break;
    default:
      null();
  }
  lua_pop(L, 1);
}

// A table with one of the fields that stand for another kind of reply. False: it is none.
bool Writer::marked() {
  const auto is = [this](const char* name, int type) {
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_type(L, -1) == type) return true;
    lua_pop(L, 1);
    return false;
  };
  std::size_t length;
  if (is("err", LUA_TSTRING)) {
    const ErrorFacts facts = facts_of_error(L, lua_gettop(L) - 1);
    error(facts.text == nullptr ? "" : facts.text, !facts.is_counted);
  } else if (is("ok", LUA_TSTRING)) {
    const char* text = lua_tostring(L, -1);
    line('+', text, std::strlen(text));
  } else if (is("double", LUA_TNUMBER)) {
    real(lua_tonumber(L, -1));
  } else if (is("big_number", LUA_TSTRING)) {
    const char* text = lua_tolstring(L, -1, &length);
    if (is_resp3()) {
      line('(', text, length);
    } else {
      head('$', static_cast<std::int64_t>(length));
      plain(text, length);
      append("\r\n", 2);
    }
  } else {
    if (!is("verbatim_string", LUA_TTABLE)) return false;
    if (is("format", LUA_TSTRING)) {
      // The table keeps it.
      const char* format = lua_tostring(L, -1);
      lua_pop(L, 1);
      if (is("string", LUA_TSTRING)) {
        const char* text = lua_tolstring(L, -1, &length);
        verbatim(text, length, format);
        lua_pop(L, 2);
        return true;
      }
    }
    lua_pop(L, 1);
    return false;
  }
  lua_pop(L, 1);
  return true;
}

void Writer::table() {
  if (marked()) return;
  for (const bool is_map : {true, false}) {
    lua_pushstring(L, is_map ? "map" : "set");
    lua_rawget(L, -2);
    if (!lua_istable(L, -1)) {
      lua_pop(L, 1);
      continue;
    }
    std::int64_t count = 0;
    lua_pushnil(L);
    for (; lua_next(L, -2) != 0; ++count) lua_pop(L, 1);
    if (is_map) {
      head(is_resp3() ? '%' : '*', is_resp3() ? count : 2 * count);
    } else {
      head(is_resp3() ? '~' : '*', count);
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
      if (!is_map) lua_pop(L, 1);
      lua_pushvalue(L, is_map ? -2 : -1);
      value();
      if (is_map) value();
    }
    lua_pop(L, 1);
    return;
  }
  std::int64_t count = 0;
  for (;; ++count) {
    lua_rawgeti(L, -1, static_cast<int>(count + 1));
    const bool is_end = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_end) break;
  }
  head('*', count);
  for (std::int64_t i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, static_cast<int>(i));
    value();
  }
}

}  // namespace demi::script
