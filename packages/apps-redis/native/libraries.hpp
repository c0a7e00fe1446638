// Libraries of scripts beside Lua's own. Each opens as lua_CFunction that leaves its table on the stack.
#pragma once

#include "lua.hpp"

namespace demi::script {

int open_bit(lua_State* L);
int open_cjson(lua_State* L);
int open_cmsgpack(lua_State* L);
int open_struct(lua_State* L);

}  // namespace demi::script
