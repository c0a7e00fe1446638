// cmsgpack: Lua's values as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md, without bin, ext and timestamps).
#include <bit>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "libraries.hpp"
#include "scratch.hpp"

namespace demi::script {
namespace {

// Tables within tables that are packed; what is deeper is nil.
constexpr int MOST_NESTED = 16;

enum class Wrong { NOTHING, TOO_SHORT, FORMAT };

// ---- pack -----------------------------------------------------------------------------------------------------------

void put(lua_State* L, Scratch& out, std::uint8_t head, std::uint64_t value, int bytes) {
  char packed[9];
  packed[0] = static_cast<char>(head);
  for (int i = 0; i < bytes; ++i) packed[1 + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
  out.append(L, packed, static_cast<std::size_t>(bytes) + 1);
}

void put_integer(lua_State* L, Scratch& out, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  if (value >= -32 && value <= 127) return out.append(L, static_cast<char>(value));
  if (value >= 0) {
    if (value <= 0xff) return put(L, out, 0xcc, bits, 1);
    if (value <= 0xffff) return put(L, out, 0xcd, bits, 2);
    if (value <= 0xffffffff) return put(L, out, 0xce, bits, 4);
    return put(L, out, 0xcf, bits, 8);
  }
  if (value >= INT8_MIN) return put(L, out, 0xd0, bits, 1);
  if (value >= INT16_MIN) return put(L, out, 0xd1, bits, 2);
  if (value >= INT32_MIN) return put(L, out, 0xd2, bits, 4);
  put(L, out, 0xd3, bits, 8);
}

void put_number(lua_State* L, Scratch& out, double value) {
  if (value >= -0x1p63 && value < 0x1p63 && value == std::trunc(value))
    return put_integer(L, out, static_cast<std::int64_t>(value));
  const bool is_float = !std::isnan(value) && (std::isinf(value) || std::fabs(value) <= 0x1.fffffep127);
  if (is_float && static_cast<double>(static_cast<float>(value)) == value)
    return put(L, out, 0xca, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  put(L, out, 0xcb, std::bit_cast<std::uint64_t>(value), 8);
}

void put_string(lua_State* L, Scratch& out, const char* text, std::size_t length) {
  if (length < 32) {
    out.append(L, static_cast<char>(0xa0 | length));
  } else if (length <= 0xff) {
    put(L, out, 0xd9, length, 1);
  } else if (length <= 0xffff) {
    put(L, out, 0xda, length, 2);
  } else {
    put(L, out, 0xdb, length, 4);
  }
  out.append(L, text, length);
}

// Of an array or a map with so many elements.
void put_head(lua_State* L, Scratch& out, std::size_t count, std::uint8_t small, std::uint8_t large) {
  if (count <= 15) return out.append(L, static_cast<char>(small | count));
  if (count <= 0xffff) return put(L, out, large, count, 2);
  put(L, out, large + 1, count, 4);
}

// Whether the keys of the table on the top are 1 to the number of its elements.
bool is_array(lua_State* L) {
  const int top = lua_gettop(L);
  std::int64_t count = 0;
  std::int64_t largest = 0;
  luaL_checkstack(L, 2, "in function table_is_an_array");
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pop(L, 1);
    const double key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(key > 0 && key <= INT_MAX && key == std::trunc(key))) {
      lua_settop(L, top);
      return false;
    }
    if (static_cast<std::int64_t>(key) > largest) largest = static_cast<std::int64_t>(key);
    ++count;
  }
  lua_settop(L, top);
  return largest == count;
}

// Packs the value on the top, and takes it from there.
void put_value(lua_State* L, Scratch& out, int level);

void put_array(lua_State* L, Scratch& out, int level) {
  const std::size_t length = lua_objlen(L, -1);
  put_head(L, out, length, 0x90, 0xdc);
  luaL_checkstack(L, 1, "in function mp_encode_lua_table_as_array");
  for (std::size_t i = 1; i <= length; ++i) {
    lua_pushnumber(L, static_cast<double>(i));
    lua_gettable(L, -2);
    put_value(L, out, level + 1);
  }
}

void put_map(lua_State* L, Scratch& out, int level) {
  luaL_checkstack(L, 3, "in function mp_encode_lua_table_as_map");
  std::size_t count = 0;
  lua_pushnil(L);
  for (; lua_next(L, -2) != 0; ++count) lua_pop(L, 1);
  put_head(L, out, count, 0x80, 0xde);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pushvalue(L, -2);
    put_value(L, out, level + 1);
    put_value(L, out, level + 1);
  }
}

void put_value(lua_State* L, Scratch& out, int level) {
  int type = lua_type(L, -1);
  if (type == LUA_TTABLE && level == MOST_NESTED) type = LUA_TNIL;
  switch (type) {
    case LUA_TSTRING: {
      std::size_t length;
      const char* text = lua_tolstring(L, -1, &length);
      put_string(L, out, text, length);
      break;
    }
    case LUA_TBOOLEAN:
      out.append(L, static_cast<char>(lua_toboolean(L, -1) != 0 ? 0xc3 : 0xc2));
      break;
    case LUA_TNUMBER:
      put_number(L, out, lua_tonumber(L, -1));
      break;
    case LUA_TTABLE:
      if (is_array(L)) {
        put_array(L, out, level);
      } else {
        put_map(L, out, level);
      }
      break;
    default:
      out.append(L, static_cast<char>(0xc0));
  }
  lua_pop(L, 1);
}

int pack(lua_State* L) {
  const int count = lua_gettop(L);
  if (count == 0) return luaL_argerror(L, 0, "MessagePack pack needs input.");
  if (lua_checkstack(L, count) == 0) return luaL_argerror(L, 0, "Too many arguments for MessagePack pack.");
  auto& out = *static_cast<Scratch*>(lua_touserdata(L, lua_upvalueindex(1)));
  out.reset(L);
  for (int i = 1; i <= count; ++i) {
    luaL_checkstack(L, 1, "in function mp_check");
    lua_pushvalue(L, i);
    put_value(L, out, 0);
  }
  lua_pushlstring(L, out.data, out.length);
  return 1;
}

// ---- unpack ---------------------------------------------------------------------------------------------------------

struct Cursor {
  const std::uint8_t* at;
  std::size_t left;
  Wrong wrong = Wrong::NOTHING;

  bool has(std::size_t bytes) {
    if (left >= bytes) return true;
    wrong = Wrong::TOO_SHORT;
    return false;
  }
  void skip(std::size_t bytes) {
    at += bytes;
    left -= bytes;
  }
  // The number in so many bytes, which are there, behind the head; goes beyond them.
  std::uint64_t number(int bytes) {
    std::uint64_t value = 0;
    for (int i = 1; i <= bytes; ++i) value = value << 8 | at[i];
    skip(static_cast<std::size_t>(bytes) + 1);
    return value;
  }
};

void get_value(lua_State* L, Cursor& in);

void get_array(lua_State* L, Cursor& in, std::uint64_t length) {
  lua_newtable(L);
  luaL_checkstack(L, 1, "in function mp_decode_to_lua_array");
  for (std::uint64_t i = 1; i <= length; ++i) {
    lua_pushnumber(L, static_cast<double>(i));
    get_value(L, in);
    if (in.wrong != Wrong::NOTHING) return;
    lua_settable(L, -3);
  }
}

void get_map(lua_State* L, Cursor& in, std::uint64_t length) {
  lua_newtable(L);
  for (std::uint64_t i = 0; i < length; ++i) {
    get_value(L, in);
    if (in.wrong != Wrong::NOTHING) return;
    get_value(L, in);
    if (in.wrong != Wrong::NOTHING) return;
    lua_settable(L, -3);
  }
}

void get_string(lua_State* L, Cursor& in, std::uint64_t length) {
  if (!in.has(length)) return;
  lua_pushlstring(L, reinterpret_cast<const char*>(in.at), length);
  in.skip(length);
}

// Those whose first byte has more than their type.
void get_short(lua_State* L, Cursor& in) {
  const std::uint8_t head = *in.at;
  if (head < 0x80 || head >= 0xe0) {
    lua_pushinteger(L, static_cast<std::int8_t>(head));
    in.skip(1);
  } else if (head >= 0xa0 && head < 0xc0) {
    if (!in.has(1 + (head & 0x1f))) return;
    in.skip(1);
    get_string(L, in, head & 0x1f);
  } else if (head >= 0x90 && head < 0xa0) {
    in.skip(1);
    get_array(L, in, head & 0xf);
  } else if (head < 0x90) {
    in.skip(1);
    get_map(L, in, head & 0xf);
  } else {
    in.wrong = Wrong::FORMAT;
  }
}

int width(std::uint8_t head) {
  switch (head) {
    case 0xcc:
    case 0xd0:
    case 0xd9:
      return 1;
    case 0xcd:
    case 0xd1:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2;
    case 0xce:
    case 0xd2:
    case 0xca:
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4;
    case 0xcf:
    case 0xd3:
    case 0xcb:
      return 8;
    default:
      return 0;
  }
}

void get_value(lua_State* L, Cursor& in) {
  if (!in.has(1)) return;
  // Also what limits how deep values nest: Lua gives a function some thousand places.
  luaL_checkstack(L, 1, "too many return values at once; use unpack_one or unpack_limit instead.");
  const std::uint8_t head = *in.at;
  const int bytes = width(head);
  if (bytes == 0) {
    if (head == 0xc0) {
      lua_pushnil(L);
    } else if (head == 0xc2 || head == 0xc3) {
      lua_pushboolean(L, head == 0xc3);
    } else {
      return get_short(L, in);
    }
    return in.skip(1);
  }
  if (!in.has(static_cast<std::size_t>(bytes) + 1)) return;
  const std::uint64_t value = in.number(bytes);
  switch (head) {
    case 0xd0:
      return lua_pushnumber(L, static_cast<std::int8_t>(value));
    case 0xd1:
      return lua_pushnumber(L, static_cast<std::int16_t>(value));
    case 0xd2:
      return lua_pushnumber(L, static_cast<std::int32_t>(value));
    case 0xd3:
      return lua_pushnumber(L, static_cast<double>(static_cast<std::int64_t>(value)));
    case 0xca:
      return lua_pushnumber(L, std::bit_cast<float>(static_cast<std::uint32_t>(value)));
    case 0xcb:
      return lua_pushnumber(L, std::bit_cast<double>(value));
    case 0xd9:
    case 0xda:
    case 0xdb:
      return get_string(L, in, value);
    case 0xdc:
    case 0xdd:
      return get_array(L, in, value);
    case 0xde:
    case 0xdf:
      return get_map(L, in, value);
    case 0xcf:
      // Lua's integers have a sign, and the largest become negative.
      return lua_pushinteger(L, static_cast<lua_Integer>(value));
    default:
      return lua_pushnumber(L, static_cast<double>(value));
  }
}

// `limit`: how many values at most; 0, at offset 0: all there are.
int unpack_from(lua_State* L, lua_Integer limit, lua_Integer offset) {
  std::size_t length;
  const char* data = luaL_checklstring(L, 1, &length);
  const bool is_all = limit == 0 && offset == 0;
  if (offset < 0 || limit < 0) {
    return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.", static_cast<int>(offset),
                      static_cast<int>(length));
  }
  if (static_cast<std::size_t>(offset) > length) {
    return luaL_error(L, "Start offset %d greater than input length %d.", static_cast<int>(offset),
                      static_cast<int>(length));
  }
  if (is_all) limit = INT_MAX;
  Cursor in{reinterpret_cast<const std::uint8_t*>(data) + offset, length - static_cast<std::size_t>(offset)};
  int count = 0;
  for (; in.left > 0 && count < limit; ++count) {
    get_value(L, in);
    if (in.wrong == Wrong::TOO_SHORT) return luaL_error(L, "Missing bytes in input.");
    if (in.wrong == Wrong::FORMAT) return luaL_error(L, "Bad data format in input.");
  }
  if (is_all) return count;
  luaL_checkstack(L, 1, "in function mp_unpack_full");
  lua_pushinteger(L, in.left == 0 ? -1 : static_cast<lua_Integer>(length - in.left));
  lua_insert(L, 2);
  return count + 1;
}

int unpack(lua_State* L) { return unpack_from(L, 0, 0); }

int unpack_one(lua_State* L) {
  const lua_Integer offset = luaL_optinteger(L, 2, 0);
  if (lua_gettop(L) > 1) lua_settop(L, 1);
  return unpack_from(L, 1, offset);
}

int unpack_limit(lua_State* L) {
  const lua_Integer limit = luaL_checkinteger(L, 2);
  const lua_Integer offset = luaL_optinteger(L, 3, 0);
  if (lua_gettop(L) > 1) lua_settop(L, 1);
  return unpack_from(L, limit, offset);
}

constexpr luaL_Reg FUNCTIONS[] = {
    {"unpack", unpack}, {"unpack_one", unpack_one}, {"unpack_limit", unpack_limit}, {nullptr, nullptr}};

void field(lua_State* L, const char* name, const char* text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

}  // namespace

int open_cmsgpack(lua_State* L) {
  lua_newtable(L);
  luaL_register(L, nullptr, FUNCTIONS);
  new_scratch(L);
  lua_pushcclosure(L, pack, 1);
  lua_setfield(L, -2, "pack");
  // What scripts that look at them expect.
  field(L, "_NAME", "cmsgpack");
  field(L, "_VERSION", "lua-cmsgpack 0.4.0");
  field(L, "_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo");
  field(L, "_DESCRIPTION", "MessagePack C implementation for Lua");
  return 1;
}

}  // namespace demi::script
