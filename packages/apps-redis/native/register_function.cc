// redis.register_function: what a library tells of its functions while it is loaded.
#include <strings.h>
#include <cstring>

#include "errors.hpp"
#include "sandbox.hpp"

namespace demi::script {
namespace {

constexpr const char* FLAGS[] = {"no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"};
constexpr unsigned FLAG_BITS[] = {1, 2, 4, 8, 32};

// Places of the stack that have what was given; 0: nothing.
struct Given {
  int name = 0;
  int description = 0;
  int callback = 0;
  unsigned flags = 0;
};

int fail(lua_State* L, const char* text) {
  push_error(L, text);
  return lua_error(L);
}

// The flags that the table on the top has; false: one is unknown.
bool read_flags(lua_State* L, unsigned& flags) {
  for (int i = 1;; ++i) {
    lua_pushnumber(L, i);
    lua_gettable(L, -2);
    if (lua_isnil(L, -1)) break;
    bool is_known = false;
    if (lua_isstring(L, -1) != 0) {
      for (std::size_t n = 0; n < std::size(FLAGS); ++n) {
        if (strcasecmp(FLAGS[n], lua_tostring(L, -1)) != 0) continue;
        flags |= FLAG_BITS[n];
        is_known = true;
      }
    }
    lua_pop(L, 1);
    if (!is_known) return false;
  }
  lua_pop(L, 1);
  return true;
}

// Of a table with names. Each value that is wanted stays at a place of its own: 2, 3 and 4.
void read_named(lua_State* L, Given& given) {
  if (!lua_istable(L, 1)) {
    fail(L,
         "calling redis.register_function with a single argument is only applicable to Lua table (representing named "
         "arguments).");
  }
  lua_settop(L, 4);
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    // A number would be changed within the table by becoming a text.
    if (lua_type(L, -2) != LUA_TSTRING) {
      fail(L, lua_type(L, -2) == LUA_TNUMBER ? "unknown argument given to redis.register_function"
                                             : "named argument key given to redis.register_function is not a string");
    }
    const char* key = lua_tostring(L, -2);
    int place = 0;
    if (strcasecmp(key, "function_name") == 0) {
      if (lua_isstring(L, -1) == 0) fail(L, "function_name argument given to redis.register_function must be a string");
      place = given.name = 2;
    } else if (strcasecmp(key, "description") == 0) {
      if (lua_isstring(L, -1) == 0) fail(L, "description argument given to redis.register_function must be a string");
      place = given.description = 3;
    } else if (strcasecmp(key, "callback") == 0) {
      if (!lua_isfunction(L, -1)) fail(L, "callback argument given to redis.register_function must be a function");
      place = given.callback = 4;
    } else if (strcasecmp(key, "flags") == 0) {
      if (!lua_istable(L, -1))
        fail(L, "flags argument to redis.register_function must be a table representing function flags");
      if (!read_flags(L, given.flags)) fail(L, "unknown flag given");
    } else {
      fail(L, "unknown argument given to redis.register_function");
    }
    if (place != 0) {
      lua_pushvalue(L, -1);
      lua_replace(L, place);
    }
    lua_pop(L, 1);
  }
  if (given.name == 0) fail(L, "redis.register_function must get a function name argument");
  if (given.callback == 0) fail(L, "redis.register_function must get a callback argument");
}

void read_two(lua_State* L, Given& given) {
  if (lua_isstring(L, 1) == 0) fail(L, "first argument to redis.register_function must be a string");
  if (!lua_isfunction(L, 2)) fail(L, "second argument to redis.register_function must be a function");
  given.name = 1;
  given.callback = 2;
}

bool is_name(const char* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    const char lower = static_cast<char>(text[i] | 0x20);
    const bool is_letter = lower >= 'a' && lower <= 'z';
    if (!is_letter && text[i] != '_' && (text[i] < '0' || text[i] > '9')) return false;
  }
  return length != 0;
}

int register_function(lua_State* L) {
  State& state = State::of(L);
  if (!state.is_loading) return fail(L, "redis.register_function can only be called on FUNCTION LOAD command");
  const int count = lua_gettop(L);
  if (count < 1 || count > 2) return fail(L, "wrong number of arguments to redis.register_function");
  Given given;
  if (count == 1) {
    read_named(L, given);
  } else {
    read_two(L, given);
  }
  std::size_t length;
  const char* name = lua_tolstring(L, given.name, &length);
  if (!is_name(name, length)) {
    return fail(L,
                "Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
                "long");
  }
  for (const Registered& one : state.registered)
    if (one.name == name) return fail(L, "Function already exists in the library");
  std::size_t described = 0;
  const char* description = given.description == 0 ? "" : lua_tolstring(L, given.description, &described);
  lua_pushvalue(L, given.callback);
  const int reference = luaL_ref(L, LUA_REGISTRYINDEX);
  // Nothing raises an error from here on.
  state.registered.push_back(
      {{name, length}, {description, described}, given.description != 0, given.flags, reference});
  return 0;
}

}  // namespace

void push_library_redis(lua_State* L) {
  lua_newtable(L);
  lua_pushcfunction(L, register_function);
  lua_setfield(L, -2, "register_function");
  add_constants(L);
}

}  // namespace demi::script
