// What cjson's functions are told, of each library that cjson.new made: it lies, with the buffer for texts, in a userdata that the functions share.
#pragma once

#include "scratch.hpp"

namespace demi::script::cjson {

struct Settings {
  Scratch text;
  // Arrays with few of their elements: as objects, or an error.
  int sparse_convert;
  int sparse_ratio;
  int sparse_safe;
  int encode_depth;
  int decode_depth;
  // Infinity and NaN: 0 an error, 1 as C writes them, 2 null.
  int encode_invalid;
  int decode_invalid;
  int keep_buffer;
  int precision;
};

inline Settings& settings(lua_State* L) { return *static_cast<Settings*>(lua_touserdata(L, lua_upvalueindex(1))); }

// Leaves new ones on the stack.
void new_settings(lua_State* L);

int encode(lua_State* L);
int decode(lua_State* L);

// cjson.encode_max_depth and the like: with an argument they set, and they reply what is set.
extern const luaL_Reg SETTERS[];

}  // namespace demi::script::cjson
