// bit: operations on integers of 32 bits, as LuaBitOp defines them (https://bitop.luajit.org/semantics.html).
#include <bit>
#include <cstdint>

#include "libraries.hpp"

namespace demi::script {
namespace {

using Bits = std::uint32_t;

// The low 32 bits of a number, which is rounded to the nearest integer: adding this leaves them at the end of the double.
Bits bits(lua_State* L, int index) {
  constexpr double SHIFT = 6755399441055744.0;
  const Bits value = static_cast<Bits>(std::bit_cast<std::uint64_t>(lua_tonumber(L, index) + SHIFT));
  if (value == 0 && lua_isnumber(L, index) == 0) luaL_typerror(L, index, "number");
  return value;
}

int push(lua_State* L, Bits value) {
  lua_pushnumber(L, static_cast<std::int32_t>(value));
  return 1;
}

int tobit(lua_State* L) { return push(L, bits(L, 1)); }
int bnot(lua_State* L) { return push(L, ~bits(L, 1)); }
int bswap(lua_State* L) { return push(L, __builtin_bswap32(bits(L, 1))); }

template <typename Operation>
int fold(lua_State* L, Operation operation) {
  Bits value = bits(L, 1);
  for (int i = lua_gettop(L); i > 1; --i) value = operation(value, bits(L, i));
  return push(L, value);
}
int band(lua_State* L) {
  return fold(L, [](Bits a, Bits b) { return a & b; });
}
int bor(lua_State* L) {
  return fold(L, [](Bits a, Bits b) { return a | b; });
}
int bxor(lua_State* L) {
  return fold(L, [](Bits a, Bits b) { return a ^ b; });
}

template <typename Operation>
int shift(lua_State* L, Operation operation) {
  const Bits value = bits(L, 1);
  return push(L, operation(value, static_cast<int>(bits(L, 2) & 31)));
}
int lshift(lua_State* L) {
  return shift(L, [](Bits value, int by) { return value << by; });
}
int rshift(lua_State* L) {
  return shift(L, [](Bits value, int by) { return value >> by; });
}
int arshift(lua_State* L) {
  return shift(L, [](Bits value, int by) { return static_cast<Bits>(static_cast<std::int32_t>(value) >> by); });
}
int rol(lua_State* L) {
  return shift(L, [](Bits value, int by) { return std::rotl(value, by); });
}
int ror(lua_State* L) {
  return shift(L, [](Bits value, int by) { return std::rotr(value, by); });
}

int tohex(lua_State* L) {
  Bits value = bits(L, 1);
  const std::int32_t asked = lua_isnone(L, 2) ? 8 : static_cast<std::int32_t>(bits(L, 2));
  const char* digits = asked < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
  const std::int64_t wanted = asked < 0 ? -static_cast<std::int64_t>(asked) : asked;
  const int count = wanted > 8 ? 8 : static_cast<int>(wanted);
  char text[8];
  for (int i = count; --i >= 0; value >>= 4) text[i] = digits[value & 15];
  lua_pushlstring(L, text, static_cast<std::size_t>(count));
  return 1;
}

constexpr luaL_Reg FUNCTIONS[] = {
    {"tobit", tobit},   {"bnot", bnot},     {"band", band},       {"bor", bor}, {"bxor", bxor},
    {"lshift", lshift}, {"rshift", rshift}, {"arshift", arshift}, {"rol", rol}, {"ror", ror},
    {"bswap", bswap},   {"tohex", tohex},   {nullptr, nullptr},
};

}  // namespace

int open_bit(lua_State* L) {
  lua_newtable(L);
  luaL_register(L, nullptr, FUNCTIONS);
  return 1;
}

}  // namespace demi::script
