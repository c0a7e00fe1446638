#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "errors.hpp"
#include "replies.hpp"

namespace demi::script {
namespace {

struct Cursor {
  const char* at;
  const char* end;

  // What is up to the line's end; goes behind that.
  const char* line(std::size_t& length) {
    const char* began = at;
    const auto* found = static_cast<const char*>(std::memchr(at, '\r', static_cast<std::size_t>(end - at)));
    length = static_cast<std::size_t>((found == nullptr ? end : found) - began);
    at = found == nullptr ? end : found + 2;
    return began;
  }
  std::int64_t number() {
    std::size_t length;
    const char* digits = line(length);
    const bool is_negative = length != 0 && *digits == '-';
    std::uint64_t value = 0;
    for (std::size_t i = is_negative ? 1 : 0; i < length; ++i)
      value = value * 10 + static_cast<std::uint64_t>(digits[i] - '0');
    return static_cast<std::int64_t>(is_negative ? 0 - value : value);
  }
};

void push(lua_State* L, Cursor& in);

void push_array(lua_State* L, Cursor& in, std::int64_t count) {
  lua_createtable(L, count < INT32_MAX ? static_cast<int>(count) : 0, 0);
  for (std::int64_t i = 1; i <= count; ++i) {
    push(L, in);
    lua_rawseti(L, -2, static_cast<int>(i));
  }
}

void push_map(lua_State* L, Cursor& in, std::int64_t count) {
  lua_newtable(L);
  lua_newtable(L);
  for (std::int64_t i = 0; i < count; ++i) {
    push(L, in);
    push(L, in);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "map");
}

void push_set(lua_State* L, Cursor& in, std::int64_t count) {
  lua_newtable(L);
  lua_newtable(L);
  for (std::int64_t i = 0; i < count; ++i) {
    push(L, in);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "set");
}

void push_verbatim(lua_State* L, Cursor& in, std::int64_t length) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushlstring(L, in.at + 4, static_cast<std::size_t>(length - 4));
  lua_setfield(L, -2, "string");
  lua_pushlstring(L, in.at, 3);
  lua_setfield(L, -2, "format");
  lua_setfield(L, -2, "verbatim_string");
  in.at += length + 2;
}

// A table with one field.
void push_line(lua_State* L, Cursor& in, const char* field) {
  std::size_t length;
  const char* text = in.line(length);
  lua_createtable(L, 0, 1);
  lua_pushlstring(L, text, length);
  lua_setfield(L, -2, field);
}

void push_real(lua_State* L, Cursor& in) {
  std::size_t length;
  const char* text = in.line(length);
  lua_createtable(L, 0, 1);
  // It ends with the line's end, which is no part of a number.
  lua_pushnumber(L, std::strtod(text, nullptr));
  lua_setfield(L, -2, "double");
}

void push(lua_State* L, Cursor& in) {
  luaL_checkstack(L, 6, "a reply");
  const char kind = *in.at++;
  switch (kind) {
    case ':':
      return lua_pushnumber(L, static_cast<double>(in.number()));
    case '$': {
      const std::int64_t length = in.number();
      if (length < 0) return lua_pushboolean(L, 0);
      lua_pushlstring(L, in.at, static_cast<std::size_t>(length));
      in.at += length + 2;
      return;
    }
    case '+':
      return push_line(L, in, "ok");
    case '-': {
      std::size_t length;
      const char* text = in.line(length);
      return push_counted_error(L, text - 1, length + 1);
    }
    case '*': {
      const std::int64_t count = in.number();
      return count < 0 ? lua_pushboolean(L, 0) : push_array(L, in, count);
    }
    case '%':
      return push_map(L, in, in.number());
    case '~':
      return push_set(L, in, in.number());
    case '#': {
      std::size_t length;
      return lua_pushboolean(L, *in.line(length) == 't');
    }
    case ',':
      return push_real(L, in);
    case '(':
      return push_line(L, in, "big_number");
    case '=':
      return push_verbatim(L, in, in.number());
    case '|':
      // Scripts do not see attributes.
      for (std::int64_t left = 2 * in.number(); left > 0; --left) {
        push(L, in);
        lua_pop(L, 1);
      }
      return push(L, in);
    default: {
      std::size_t length;
      in.line(length);
      lua_pushnil(L);
    }
  }
}

}  // namespace

bool push_reply(lua_State* L, const Host& host) {
  const auto* data = reinterpret_cast<const char*>(host.reply.data);
  const std::int32_t length = host.control[REPLY_LENGTH];
  if (length == 0) {
    lua_pushnil(L);
    return false;
  }
  Cursor in{data, data + length};
  push(L, in);
  return *data == '-';
}

}  // namespace demi::script
