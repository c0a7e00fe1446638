#include "errors.hpp"

#include <cstring>

namespace demi::script {

void push_error(lua_State* L, const char* text) { push_error(L, text, std::strlen(text)); }

void push_error(lua_State* L, const char* text, std::size_t length) {
  luaL_checkstack(L, 5, "an error");
  length = strnlen(text, length);
  const char* code = "ERR";
  std::size_t code_length = 3;
  if (length != 0 && *text == '-') {
    ++text, --length;
    const auto* space = static_cast<const char*>(std::memchr(text, ' ', length));
    if (space != nullptr) {
      code = text;
      code_length = static_cast<std::size_t>(space - text);
      length -= code_length + 1;
      text = space + 1;
    }
  }
  const auto is_end = [](char c) { return c == '\r' || c == '\n'; };
  for (; length != 0 && is_end(text[length - 1]); --length) continue;
  for (; length != 0 && is_end(*text); --length) ++text;
  lua_createtable(L, 0, 4);
  lua_pushlstring(L, code, code_length);
  lua_pushliteral(L, " ");
  lua_pushlstring(L, text, length);
  lua_concat(L, 3);
  lua_setfield(L, -2, "err");
}

void push_counted_error(lua_State* L, const char* text, std::size_t length) {
  push_error(L, text, length);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "ignore_error_stats_update");
}

ErrorFacts facts_of_error(lua_State* L, int index) {
  ErrorFacts facts{nullptr, nullptr, nullptr, false};
  if (!lua_istable(L, index)) return facts;
  // The table keeps what is taken off the stack.
  const auto text = [L, index](const char* name) -> const char* {
    lua_getfield(L, index, name);
    const char* found = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : nullptr;
    lua_pop(L, 1);
    return found;
  };
  facts.text = text("err");
  facts.source = text("source");
  facts.line = text("line");
  lua_getfield(L, index, "ignore_error_stats_update");
  facts.is_counted = lua_isboolean(L, -1) && lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return facts;
}

namespace {

// Leaves the text of any value, as tostring has it.
void push_text(lua_State* L, int index) {
  if (luaL_callmeta(L, index, "__tostring") != 0) return;
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
    case LUA_TSTRING:
      lua_pushvalue(L, index);
      lua_tostring(L, -1);
      break;
    case LUA_TBOOLEAN:
      lua_pushstring(L, lua_toboolean(L, index) != 0 ? "true" : "false");
      break;
    case LUA_TNIL:
      lua_pushliteral(L, "nil");
      break;
    default:
      lua_pushfstring(L, "%s: %p", luaL_typename(L, index), lua_topointer(L, index));
  }
}

}  // namespace

int handle_error(lua_State* L) {
  lua_settop(L, 1);
  if (!lua_istable(L, 1)) {
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "ERR ");
    push_text(L, 1);
    lua_concat(L, 2);
    lua_setfield(L, -2, "err");
    lua_replace(L, 1);
  }
  // Of a function that is not Lua's, where it was called.
  lua_Debug where;
  bool is_known = lua_getstack(L, 1, &where) != 0 && lua_getinfo(L, "Sl", &where) != 0;
  if (is_known && std::strcmp(where.what, "C") == 0)
    is_known = lua_getstack(L, 2, &where) != 0 && lua_getinfo(L, "Sl", &where) != 0;
  if (is_known) {
    lua_pushstring(L, where.source);
    lua_setfield(L, 1, "source");
    lua_pushfstring(L, "%d", where.currentline);
    lua_setfield(L, 1, "line");
  }
  return 1;
}

}  // namespace demi::script
