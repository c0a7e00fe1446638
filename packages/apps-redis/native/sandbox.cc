#include "sandbox.hpp"

#include <cstring>

#include "errors.hpp"
#include "libraries.hpp"

namespace demi::script {
namespace {

constexpr char READ_ONLY[] = "Attempt to modify a readonly table";

// Its address is the key, in a metatable, of the table that is shown.
char shown_key;

// Lua's own, which do what is asked for where no table is protected.
struct Originals {
  lua_CFunction getmetatable, setmetatable, rawset, rawget, next, insert, remove, sort, setn, load, loadstring;
} originals;

// Whether the value at `index` shows a protected table; that is left on the stack then.
bool push_shown(lua_State* L, int index) {
  if (!lua_istable(L, index) || lua_getmetatable(L, index) == 0) return false;
  lua_pushlightuserdata(L, &shown_key);
  lua_rawget(L, -2);
  lua_remove(L, -2);
  if (lua_istable(L, -1)) return true;
  lua_pop(L, 1);
  return false;
}

bool is_protected(lua_State* L, int index) {
  if (!push_shown(L, index)) return false;
  lua_pop(L, 1);
  return true;
}

// Says where: it is called in the place of an assignment.
int refuse_assignment(lua_State* L) { return luaL_error(L, READ_ONLY); }

// Does not say where, as Lua's own errors within functions of C.
int refuse(lua_State* L) {
  lua_pushstring(L, READ_ONLY);
  return lua_error(L);
}

int refuse_name(lua_State* L) {
  if (lua_isstring(L, 2) == 0) luaL_error(L, "Second argument to luaProtectedTableError must be a string or number");
  return luaL_error(L, "Script attempted to access nonexistent global variable '%s'", lua_tostring(L, 2));
}

// Replaces a protected table among the arguments by the one that is shown.
void see_through(lua_State* L, int index) {
  if (push_shown(L, index)) lua_replace(L, index);
}

int getmetatable_(lua_State* L) {
  luaL_checkany(L, 1);
  const State& state = State::of(L);
  if (lua_type(L, 1) == LUA_TSTRING) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, state.string_metatable);
    return 1;
  }
  if (!is_protected(L, 1)) return originals.getmetatable(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, state.environment);
  if (lua_rawequal(L, 1, -1) != 0) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, state.globals_metatable);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

int setmetatable_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.setmetatable(L); }
int rawset_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.rawset(L); }
int insert_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.insert(L); }
int remove_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.remove(L); }
int sort_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.sort(L); }
int setn_(lua_State* L) { return is_protected(L, 1) ? refuse(L) : originals.setn(L); }

int rawget_(lua_State* L) {
  see_through(L, 1);
  return originals.rawget(L);
}

int next_(lua_State* L) {
  see_through(L, 1);
  return originals.next(L);
}

// As Lua's, with our next.
int pairs_(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

// As Lua's, but that an error that is a table with a text in `err` is that text.
int pcall_(lua_State* L) {
  luaL_checkany(L, 1);
  const int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  if (status != 0 && lua_istable(L, -1)) {
    lua_getfield(L, -1, "err");
    if (lua_isstring(L, -1) != 0) {
      lua_replace(L, -2);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pushboolean(L, status == 0);
  lua_insert(L, 1);
  return lua_gettop(L);
}

// What string.dump made is no source.
bool is_binary(const char* text, std::size_t length) { return length != 0 && *text == LUA_SIGNATURE[0]; }

int refuse_binary(lua_State* L, const char* chunk) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s:1: unexpected symbol near 'char(27)'", chunk);
  return 2;
}

int loadstring_(lua_State* L) {
  std::size_t length;
  const char* text = luaL_checklstring(L, 1, &length);
  return is_binary(text, length) ? refuse_binary(L, "[string]") : originals.loadstring(L);
}

// Reads the pieces of a chunk: what the function in its upvalue returns. The first that is not empty must be source.
int read_piece(lua_State* L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 0, 1);
  std::size_t length = 0;
  const char* text = lua_isstring(L, -1) != 0 ? lua_tolstring(L, -1, &length) : nullptr;
  if (text != nullptr && lua_toboolean(L, lua_upvalueindex(2)) == 0) {
    if (is_binary(text, length)) luaL_error(L, "unexpected symbol near 'char(27)'");
    lua_pushboolean(L, length != 0);
    lua_replace(L, lua_upvalueindex(2));
  }
  return 1;
}

int load_(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_pushvalue(L, 1);
  lua_pushboolean(L, 0);
  lua_pushcclosure(L, read_piece, 2);
  lua_replace(L, 1);
  return originals.load(L);
}

void open_library(lua_State* L, const char* name, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_pushstring(L, name);
  lua_call(L, 1, 0);
}

// Of the table on the top.
lua_CFunction replace(lua_State* L, const char* name, lua_CFunction by) {
  lua_getfield(L, -1, name);
  const lua_CFunction had = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  lua_pushcfunction(L, by);
  lua_setfield(L, -2, name);
  return had;
}

void replace_functions(lua_State* L) {
  Originals had{};
  had.getmetatable = replace(L, "getmetatable", getmetatable_);
  had.setmetatable = replace(L, "setmetatable", setmetatable_);
  had.rawset = replace(L, "rawset", rawset_);
  had.rawget = replace(L, "rawget", rawget_);
  had.next = replace(L, "next", next_);
  had.load = replace(L, "load", load_);
  had.loadstring = replace(L, "loadstring", loadstring_);
  replace(L, "pcall", pcall_);
  lua_getfield(L, -1, "next");
  lua_pushcclosure(L, pairs_, 1);
  lua_setfield(L, -2, "pairs");
  lua_getfield(L, -1, "table");
  had.insert = replace(L, "insert", insert_);
  had.remove = replace(L, "remove", remove_);
  had.sort = replace(L, "sort", sort_);
  had.setn = replace(L, "setn", setn_);
  lua_pop(L, 1);
  originals = had;
}

void remove_functions(lua_State* L) {
  for (const char* name : {"dofile", "getfenv", "loadfile", "newproxy", "print", "setfenv"}) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
}

void add_libraries(lua_State* L) {
  constexpr luaL_Reg LIBRARIES[] = {
      {"bit", open_bit}, {"cjson", open_cjson}, {"cmsgpack", open_cmsgpack}, {"struct", open_struct}};
  for (const luaL_Reg& one : LIBRARIES) {
    lua_pushcfunction(L, one.func);
    lua_call(L, 0, 1);
    lua_setfield(L, -2, one.name);
  }
}

// The libraries in the table on the top.
void protect_fields(lua_State* L) {
  constexpr const char* NAMES[] = {"string", "table",  "math",     "coroutine", "bit",
                                   "cjson",  "struct", "cmsgpack", "redis"};
  for (const char* name : NAMES) {
    lua_getfield(L, -1, name);
    protect(L);
    lua_setfield(L, -2, name);
  }
}

// A protected table with one field, by its reference: a metatable as scripts see it. Takes the field's value from the stack.
int seen_metatable(lua_State* L) {
  lua_createtable(L, 0, 1);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__index");
  protect(L);
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

}  // namespace

void protect(lua_State* L) {
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_assignment);
  lua_setfield(L, -2, "__newindex");
  lua_pushlightuserdata(L, &shown_key);
  lua_pushvalue(L, -4);
  lua_rawset(L, -3);
  lua_setmetatable(L, -2);
  lua_replace(L, -2);
}

void refuse_unknown(lua_State* L) {
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, refuse_name);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

void State::show(lua_State* L, int reference) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, environment);
  lua_getmetatable(L, -1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "__index");
  lua_pushlightuserdata(L, &shown_key);
  lua_insert(L, -2);
  lua_rawset(L, -3);
  lua_pop(L, 2);
}

void make_sandbox(lua_State* L, State& state) {
  open_library(L, "", luaopen_base);
  open_library(L, LUA_TABLIBNAME, luaopen_table);
  open_library(L, LUA_STRLIBNAME, luaopen_string);
  open_library(L, LUA_MATHLIBNAME, luaopen_math);
  lua_pushvalue(L, LUA_GLOBALSINDEX);
  replace_functions(L);
  remove_functions(L);
  lua_getfield(L, -1, "math");
  add_random(L);
  lua_pop(L, 1);
  add_libraries(L);
  push_redis(L, state.has_functions);
  lua_setfield(L, -2, "redis");
  lua_pushcfunction(L, handle_error);
  if (!state.has_functions) {
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__redis__err__handler");
  }
  state.handler = luaL_ref(L, LUA_REGISTRYINDEX);
  protect_fields(L);
  refuse_unknown(L);
  lua_pushvalue(L, -1);
  state.globals = luaL_ref(L, LUA_REGISTRYINDEX);

  lua_pushvalue(L, -1);
  protect(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "_G");
  lua_pushvalue(L, -1);
  state.environment = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_replace(L, LUA_GLOBALSINDEX);

  lua_getfield(L, -1, "string");
  state.string_metatable = seen_metatable(L);
  lua_pushcfunction(L, refuse_name);
  state.globals_metatable = seen_metatable(L);
  lua_pop(L, 1);

  if (!state.has_functions) return;
  lua_createtable(L, 0, 1);
  push_library_redis(L);
  refuse_unknown(L);
  protect(L);
  lua_setfield(L, -2, "redis");
  refuse_unknown(L);
  state.library_globals = luaL_ref(L, LUA_REGISTRYINDEX);
}

}  // namespace demi::script
