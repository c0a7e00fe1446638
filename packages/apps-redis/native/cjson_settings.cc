#include "cjson_settings.hpp"

#include <climits>
#include <cstdio>

namespace demi::script::cjson {
namespace {

constexpr int MOST_PRECISION = 14;

// Makes it so many arguments, those that lack nil.
Settings& arguments(lua_State* L, int count) {
  luaL_argcheck(L, lua_gettop(L) <= count, count + 1, "found too many arguments");
  lua_settop(L, count);
  return settings(L);
}

void number(lua_State* L, int index, int& setting, int least, int most) {
  if (!lua_isnil(L, index)) {
    const int value = luaL_checkint(L, index);
    char expected[64];
    std::snprintf(expected, sizeof expected, "expected integer between %d and %d", least, most);
    luaL_argcheck(L, least <= value && value <= most, 1, expected);
    setting = value;
  }
  lua_pushinteger(L, setting);
}

constexpr const char* ON_OR_OFF[] = {"off", "on", nullptr};
constexpr const char* ON_OFF_OR_NULL[] = {"off", "on", "null", nullptr};

void choice(lua_State* L, int index, int& setting, const char* const* names) {
  if (lua_isboolean(L, index)) {
    setting = lua_toboolean(L, index);
  } else if (!lua_isnil(L, index)) {
    setting = luaL_checkoption(L, index, nullptr, names);
  }
  if (setting == 0 || setting == 1) {
    lua_pushboolean(L, setting);
  } else {
    lua_pushstring(L, names[setting]);
  }
}

int encode_sparse_array(lua_State* L) {
  Settings& set = arguments(L, 3);
  choice(L, 1, set.sparse_convert, ON_OR_OFF);
  number(L, 2, set.sparse_ratio, 0, INT_MAX);
  number(L, 3, set.sparse_safe, 0, INT_MAX);
  return 3;
}

int encode_max_depth(lua_State* L) {
  number(L, 1, arguments(L, 1).encode_depth, 1, INT_MAX);
  return 1;
}

int decode_max_depth(lua_State* L) {
  number(L, 1, arguments(L, 1).decode_depth, 1, INT_MAX);
  return 1;
}

int encode_number_precision(lua_State* L) {
  number(L, 1, arguments(L, 1).precision, 1, MOST_PRECISION);
  return 1;
}

int encode_keep_buffer(lua_State* L) {
  choice(L, 1, arguments(L, 1).keep_buffer, ON_OR_OFF);
  return 1;
}

int encode_invalid_numbers(lua_State* L) {
  choice(L, 1, arguments(L, 1).encode_invalid, ON_OFF_OR_NULL);
  return 1;
}

int decode_invalid_numbers(lua_State* L) {
  choice(L, 1, arguments(L, 1).decode_invalid, ON_OR_OFF);
  return 1;
}

}  // namespace

const luaL_Reg SETTERS[] = {
    {"encode_sparse_array", encode_sparse_array},
    {"encode_max_depth", encode_max_depth},
    {"decode_max_depth", decode_max_depth},
    {"encode_number_precision", encode_number_precision},
    {"encode_keep_buffer", encode_keep_buffer},
    {"encode_invalid_numbers", encode_invalid_numbers},
    {"decode_invalid_numbers", decode_invalid_numbers},
    {nullptr, nullptr},
};

void new_settings(lua_State* L) {
  Settings& set = *static_cast<Settings*>(new_scratch(L, sizeof(Settings)));
  set.sparse_convert = 0;
  set.sparse_ratio = 2;
  set.sparse_safe = 10;
  set.encode_depth = 1000;
  set.decode_depth = 1000;
  set.encode_invalid = 0;
  set.decode_invalid = 1;
  set.keep_buffer = 1;
  set.precision = MOST_PRECISION;
}

}  // namespace demi::script::cjson
