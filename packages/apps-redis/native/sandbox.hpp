// What scripts see of Lua: no files, no processes, and nothing that one could change for the next.
//
// Tables that are not to be changed are not seen themselves: scripts have an empty table in the place of each, through which its fields are
// read, and which refuses to be written. Lua's functions that would see through that are replaced.
#pragma once

#include "state.hpp"

namespace demi::script {

// Makes the globals of a new interpreter.
void make_sandbox(lua_State* L, State& state);

// The table on the top of the stack is replaced by one that shows it.
void protect(lua_State* L);

// Fields that a table does not have are an error, and not nil.
void refuse_unknown(lua_State* L);

// redis.call and the rest, on the stack.
void push_redis(lua_State* L, bool has_functions);
// What a library sees of it while it is loaded.
void push_library_redis(lua_State* L);
// What both see: the log, and which version it is; into the table on the top.
void add_constants(lua_State* L);

// math.random and math.randomseed, into the table on the top: the sequence that Redis has.
void add_random(lua_State* L);

}  // namespace demi::script
