#include <cmath>
#include <cstdint>
#include <cstdio>

#include "cjson_settings.hpp"

namespace demi::script::cjson {
namespace {

[[noreturn]] void refuse(lua_State* L, int index, const char* why) {
  luaL_error(L, "Cannot serialise %s: %s", luaL_typename(L, index), why);
  __builtin_unreachable();
}

template <std::size_t N>
void literal(lua_State* L, Settings& set, const char (&text)[N]) {
  set.text.append(L, text, N - 1);
}

// What stands for a byte within a string if it is not that byte itself: the letter behind a backslash, or u.
char escape(std::uint8_t byte) {
  switch (byte) {
    case '"':
    case '\\':
    case '/':
      return static_cast<char>(byte);
    case '\b':
      return 'b';
    case '\t':
      return 't';
    case '\n':
      return 'n';
    case '\f':
      return 'f';
    case '\r':
      return 'r';
    default:
      return byte < 32 || byte == 127 ? 'u' : 0;
  }
}

void string(lua_State* L, Settings& set, int index) {
  std::size_t length;
  const char* text = lua_tolstring(L, index, &length);
  set.text.append(L, '"');
  std::size_t plain = 0;
  for (std::size_t i = 0; i < length; ++i) {
    const char letter = escape(static_cast<std::uint8_t>(text[i]));
    if (letter == 0) continue;
    set.text.append(L, text + plain, i - plain);
    plain = i + 1;
    const char* digits = "0123456789abcdef";
    const char escaped[] = {'\\', letter, '0', '0', digits[text[i] >> 4 & 15], digits[text[i] & 15]};
    set.text.append(L, escaped, letter == 'u' ? sizeof escaped : 2);
  }
  set.text.append(L, text + plain, length - plain);
  set.text.append(L, '"');
}

void number(lua_State* L, Settings& set, int index) {
  const double value = lua_tonumber(L, index);
  if (!std::isfinite(value)) {
    if (set.encode_invalid == 0) refuse(L, index, "must not be NaN or Inf");
    if (set.encode_invalid == 2) return literal(L, set, "null");
    if (std::isnan(value)) return literal(L, set, "nan");
  }
  char digits[40];
  const int length = std::snprintf(digits, sizeof digits, "%.*g", set.precision, value);
  set.text.append(L, digits, static_cast<std::size_t>(length));
}

// The length of the table on the top as an array; -1: it is none.
int array_length(lua_State* L, Settings& set) {
  double largest = 0;
  double count = 0;
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    const double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (!(key >= 1 && key == std::floor(key) && key <= INT32_MAX)) {
      lua_pop(L, 2);
      return -1;
    }
    if (key > largest) largest = key;
    ++count;
    lua_pop(L, 1);
  }
  if (set.sparse_ratio > 0 && largest > count * set.sparse_ratio && largest > set.sparse_safe) {
    if (set.sparse_convert == 0) refuse(L, -1, "excessively sparse array");
    return -1;
  }
  return static_cast<int>(largest);
}

void value(lua_State* L, Settings& set, int depth);

void array(lua_State* L, Settings& set, int depth, int length) {
  set.text.append(L, '[');
  for (int i = 1; i <= length; ++i) {
    if (i != 1) set.text.append(L, ',');
    lua_rawgeti(L, -1, i);
    value(L, set, depth);
    lua_pop(L, 1);
  }
  set.text.append(L, ']');
}

void object(lua_State* L, Settings& set, int depth) {
  set.text.append(L, '{');
  lua_pushnil(L);
  for (bool is_first = true; lua_next(L, -2) != 0; is_first = false) {
    if (!is_first) set.text.append(L, ',');
    const int type = lua_type(L, -2);
    if (type == LUA_TNUMBER) {
      set.text.append(L, '"');
      number(L, set, -2);
      set.text.append(L, '"');
    } else if (type == LUA_TSTRING) {
      string(L, set, -2);
    } else {
      refuse(L, -2, "table key must be a number or string");
    }
    set.text.append(L, ':');
    value(L, set, depth);
    lua_pop(L, 1);
  }
  set.text.append(L, '}');
}

// Of the value on the top, which stays.
void value(lua_State* L, Settings& set, int depth) {
  switch (lua_type(L, -1)) {
    case LUA_TSTRING:
      return string(L, set, -1);
    case LUA_TNUMBER:
      return number(L, set, -1);
    case LUA_TBOOLEAN:
      if (lua_toboolean(L, -1) != 0) return literal(L, set, "true");
      return literal(L, set, "false");
    case LUA_TNIL:
      return literal(L, set, "null");
    case LUA_TTABLE: {
      ++depth;
      if (depth > set.encode_depth || lua_checkstack(L, 3) == 0)
        luaL_error(L, "Cannot serialise, excessive nesting (%d)", depth);
      const int length = array_length(L, set);
      return length > 0 ? array(L, set, depth, length) : object(L, set, depth);
    }
    case LUA_TLIGHTUSERDATA:
      // cjson.null
      if (lua_touserdata(L, -1) == nullptr) return literal(L, set, "null");
      break;
    default:
      break;
  }
  refuse(L, -1, "type not supported");
}

}  // namespace

int encode(lua_State* L) {
  Settings& set = settings(L);
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  set.text.reset(L);
  value(L, set, 0);
  lua_pushlstring(L, set.text.data, set.text.length);
  if (set.keep_buffer == 0) set.text.release(L);
  return 1;
}

}  // namespace demi::script::cjson
