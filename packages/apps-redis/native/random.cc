#include <climits>
#include <cmath>
#include <cstdint>

#include "sandbox.hpp"

namespace demi::script {
namespace {

// drand48's sequence (POSIX), of which scripts have the same numbers everywhere. All interpreters share it.
constexpr std::uint64_t MULTIPLIER = 0x5deece66d;
constexpr std::uint64_t ADDEND = 0xb;
constexpr std::uint64_t MASK = (std::uint64_t{1} << 48) - 1;
std::uint64_t sequence = 0x1234abcd330e;

std::int32_t next_bits() {
  sequence = (sequence * MULTIPLIER + ADDEND) & MASK;
  return static_cast<std::int32_t>(sequence >> 17);
}

int random(lua_State* L) {
  if (!State::of(L).is_running) return luaL_error(L, "math.random can only be called inside a script invocation");
  const double part = static_cast<double>(next_bits() % INT32_MAX) / INT32_MAX;
  switch (lua_gettop(L)) {
    case 0:
      lua_pushnumber(L, part);
      break;
    case 1: {
      const int most = luaL_checkint(L, 1);
      luaL_argcheck(L, 1 <= most, 1, "interval is empty");
      lua_pushnumber(L, std::floor(part * most) + 1);
      break;
    }
    case 2: {
      const int least = luaL_checkint(L, 1);
      const int most = luaL_checkint(L, 2);
      luaL_argcheck(L, least <= most, 2, "interval is empty");
      lua_pushnumber(L, std::floor(part * (static_cast<double>(most) - least + 1)) + least);
      break;
    }
    default:
      return luaL_error(L, "wrong number of arguments");
  }
  return 1;
}

int randomseed(lua_State* L) {
  if (!State::of(L).is_running) return luaL_error(L, "math.randomseed can only be called inside a script invocation");
  sequence = static_cast<std::uint64_t>(static_cast<std::uint32_t>(luaL_checkint(L, 1))) << 16 | 0x330e;
  return 0;
}

}  // namespace

void add_random(lua_State* L) {
  lua_pushcfunction(L, random);
  lua_setfield(L, -2, "random");
  lua_pushcfunction(L, randomseed);
  lua_setfield(L, -2, "randomseed");
}

}  // namespace demi::script
