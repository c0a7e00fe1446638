// redis.call, and what else scripts have of the server.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "errors.hpp"
#include "replies.hpp"
#include "sandbox.hpp"
#include "sha1.hpp"

namespace demi::script {
namespace {

// Bytes of all arguments of a command.
constexpr std::size_t MOST = 1u << 30;
constexpr std::size_t DIGITS = 32;
constexpr int MOST_LOG_LEVEL = 3;

int fail(lua_State* L, const char* text) {
  push_error(L, text);
  return lua_error(L);
}

// Below it an integer's digits are all that there is of it.
constexpr double INTEGERS = 1e15;

std::size_t digits_of(double value, char* to) {
  if (value > -INTEGERS && value < INTEGERS) {
    const auto whole = static_cast<std::int64_t>(value);
    if (static_cast<double>(whole) == value && (whole != 0 || !std::signbit(value)))
      return static_cast<std::size_t>(std::to_chars(to, to + DIGITS, whole).ptr - to);
  }
  return static_cast<std::size_t>(std::snprintf(to, DIGITS, "%.17g", value));
}

// Puts what is on the stack into the host's memory, as arguments. False: it cannot be, and the stack has the error.
bool put_arguments(lua_State* L, Host& host) {
  const int count = lua_gettop(L);
  if (count == 0) {
    push_error(L, "Please specify at least one argument for this redis lib call");
    return false;
  }
  std::size_t bytes = 0;
  for (int i = 1; i <= count; ++i) {
    const int type = lua_type(L, i);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) {
      push_error(L, "Lua redis lib command arguments must be strings or integers");
      return false;
    }
    bytes += type == LUA_TSTRING ? lua_objlen(L, i) : DIGITS;
  }
  if (host.table.size < static_cast<std::size_t>(count) * 8) {
    host.control[COUNT] = 2 * count;
    if (!host.ask(Operation::GROW_TABLE)) luaL_error(L, "not enough memory");
  }
  if (host.bytes.size < bytes) {
    host.control[COUNT] = static_cast<std::int32_t>(bytes);
    if (bytes > MOST || !host.ask(Operation::GROW_BYTES)) luaL_error(L, "not enough memory");
  }
  auto* table = reinterpret_cast<std::int32_t*>(host.table.data);
  std::uint8_t* at = host.bytes.data;
  for (int i = 1; i <= count; ++i) {
    std::size_t length;
    if (lua_type(L, i) == LUA_TNUMBER) {
      length = digits_of(lua_tonumber(L, i), reinterpret_cast<char*>(at));
    } else {
      const char* text = lua_tolstring(L, i, &length);
      std::memcpy(at, text, length);
    }
    table[2 * i - 2] = static_cast<std::int32_t>(at - host.bytes.data);
    table[2 * i - 1] = static_cast<std::int32_t>(length);
    at += length;
  }
  host.control[COUNT] = count;
  return true;
}

int run_command(lua_State* L, bool raises) {
  State& state = State::of(L);
  if (!state.is_running) return fail(L, "redis.call/pcall can only be called inside a script invocation");
  Host& host = state.host;
  if (!put_arguments(L, host)) return raises ? lua_error(L) : 1;
  if (!host.ask(Operation::CALL)) luaL_error(L, "not enough memory");
  lua_settop(L, 0);
  const bool is_error = push_reply(L, host);
  return is_error && raises ? lua_error(L) : 1;
}

int call(lua_State* L) { return run_command(L, true); }
int pcall(lua_State* L) { return run_command(L, false); }

int acl_check_cmd(lua_State* L) {
  State& state = State::of(L);
  if (!state.is_running) return fail(L, "redis.acl_check_cmd can only be called inside a script invocation");
  if (!put_arguments(L, state.host)) return lua_error(L);
  if (!state.host.ask(Operation::ACL)) luaL_error(L, "not enough memory");
  const std::int32_t answer = state.host.control[ANSWER];
  if (answer < 0) return fail(L, "Invalid command passed to redis.acl_check_cmd()");
  lua_pushboolean(L, answer);
  return 1;
}

int sha1hex(lua_State* L) {
  if (lua_gettop(L) != 1) return fail(L, "wrong number of arguments");
  std::size_t length = 0;
  const char* text = lua_tolstring(L, 1, &length);
  char digest[41];
  sha1_hex(text, length, digest);
  lua_pushlstring(L, digest, 40);
  return 1;
}

bool is_one_string(lua_State* L) {
  if (lua_gettop(L) == 1 && lua_type(L, 1) == LUA_TSTRING) return true;
  push_error(L, "wrong number or type of arguments");
  return false;
}

int error_reply(lua_State* L) {
  if (!is_one_string(L)) return 1;
  if (*lua_tostring(L, 1) != '-') {
    lua_pushliteral(L, "-");
    lua_insert(L, 1);
    lua_concat(L, 2);
  }
  std::size_t length;
  const char* text = lua_tolstring(L, 1, &length);
  push_error(L, text, length);
  return 1;
}

int status_reply(lua_State* L) {
  if (!is_one_string(L)) return 1;
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "ok");
  return 1;
}

int set_repl(lua_State* L) {
  State& state = State::of(L);
  if (!state.is_running) return fail(L, "redis.set_repl can only be called inside a script invocation");
  if (lua_gettop(L) != 1) return fail(L, "redis.set_repl() requires two arguments.");
  const double flags = lua_tonumber(L, 1);
  if (!(flags >= 0 && flags < 4))
    return fail(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  state.host.control[REPLICATION] = static_cast<std::int32_t>(flags);
  return 0;
}

int setresp(lua_State* L) {
  State& state = State::of(L);
  if (!state.is_running) return fail(L, "redis.setresp can only be called inside a script invocation");
  if (lua_gettop(L) != 1) return fail(L, "redis.setresp() requires one argument.");
  const double version = lua_tonumber(L, 1);
  if (!(version >= 2 && version < 4)) return fail(L, "RESP version must be 2 or 3.");
  state.host.control[SCRIPT_RESP] = static_cast<std::int32_t>(version);
  return 0;
}

int log(lua_State* L) {
  const int count = lua_gettop(L);
  if (count < 2) return fail(L, "redis.log() requires two arguments or more.");
  if (lua_isnumber(L, 1) == 0) return fail(L, "First argument must be a number (log level).");
  const double level = lua_tonumber(L, 1);
  if (!(level > -1 && level < MOST_LOG_LEVEL + 1)) return fail(L, "Invalid debug level.");
  // The texts together, as one argument.
  luaL_checkstack(L, 2 * count, "redis.log");
  int parts = 0;
  for (int i = 2; i <= count; ++i) {
    if (lua_isstring(L, i) == 0) continue;
    if (parts != 0) {
      lua_pushliteral(L, " ");
      ++parts;
    }
    lua_pushvalue(L, i);
    ++parts;
  }
  lua_concat(L, parts);
  lua_pushinteger(L, static_cast<lua_Integer>(level));
  lua_insert(L, 1);
  lua_replace(L, 2);
  lua_settop(L, 2);
  Host& host = State::of(L).host;
  if (!put_arguments(L, host) || !host.ask(Operation::LOG)) luaL_error(L, "not enough memory");
  return 0;
}

// There is no debugger.
int breakpoint(lua_State* L) {
  lua_pushboolean(L, 0);
  return 1;
}
int debug(lua_State*) { return 0; }

int replicate_commands(lua_State* L) {
  lua_pushboolean(L, 1);
  return 1;
}

}  // namespace

void add_constants(lua_State* L) {
  lua_pushcfunction(L, log);
  lua_setfield(L, -2, "log");
  const struct {
    const char* name;
    int value;
  } numbers[] = {
      {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3}, {"REDIS_VERSION_NUM", 0x0007000f}};
  for (const auto& one : numbers) {
    lua_pushinteger(L, one.value);
    lua_setfield(L, -2, one.name);
  }
  lua_pushliteral(L, "7.0.15");
  lua_setfield(L, -2, "REDIS_VERSION");
}

void push_redis(lua_State* L, bool has_functions) {
  constexpr luaL_Reg FUNCTIONS[] = {
      {"call", call},
      {"pcall", pcall},
      {"acl_check_cmd", acl_check_cmd},
      {"sha1hex", sha1hex},
      {"error_reply", error_reply},
      {"status_reply", status_reply},
      {"set_repl", set_repl},
      {"setresp", setresp},
      {nullptr, nullptr},
  };
  lua_newtable(L);
  luaL_register(L, nullptr, FUNCTIONS);
  add_constants(L);
  const struct {
    const char* name;
    int value;
  } numbers[] = {{"REPL_NONE", 0}, {"REPL_AOF", 1}, {"REPL_SLAVE", 2}, {"REPL_REPLICA", 2}, {"REPL_ALL", 3}};
  for (const auto& one : numbers) {
    lua_pushinteger(L, one.value);
    lua_setfield(L, -2, one.name);
  }
  if (has_functions) return;
  constexpr luaL_Reg OF_SCRIPTS[] = {
      {"breakpoint", breakpoint}, {"debug", debug}, {"replicate_commands", replicate_commands}, {nullptr, nullptr}};
  luaL_register(L, nullptr, OF_SCRIPTS);
}

}  // namespace demi::script
