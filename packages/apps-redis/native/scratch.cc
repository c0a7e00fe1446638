#include "scratch.hpp"

#include <cstring>

namespace demi::script {
namespace {

constexpr std::size_t LEAST = 1024;
constexpr std::size_t KEPT = 64 * 1024;
constexpr char METATABLE[] = "demi scratch";

void* reallocate(lua_State* L, void* data, std::size_t had, std::size_t wanted) {
  void* context;
  const lua_Alloc allocate = lua_getallocf(L, &context);
  return allocate(context, data, had, wanted);
}

int collect(lua_State* L) {
  static_cast<Scratch*>(lua_touserdata(L, 1))->release(L);
  return 0;
}

}  // namespace

void Scratch::release(lua_State* L) {
  if (data != nullptr) reallocate(L, data, capacity, 0);
  data = nullptr;
  length = capacity = 0;
}

void Scratch::reset(lua_State* L) {
  if (capacity > KEPT) release(L);
  length = 0;
}

void Scratch::grow(lua_State* L, std::size_t more) {
  std::size_t wanted = capacity < LEAST ? LEAST : capacity * 2;
  if (wanted < length + more) wanted = length + more;
  void* larger = reallocate(L, data, capacity, wanted);
  if (larger == nullptr) luaL_error(L, "not enough memory");
  data = static_cast<char*>(larger);
  capacity = wanted;
}

void Scratch::append(lua_State* L, const void* bytes, std::size_t count) {
  if (capacity - length < count) grow(L, count);
  if (count != 0) std::memcpy(data + length, bytes, count);
  length += count;
}

void* new_scratch(lua_State* L, std::size_t size) {
  void* scratch = lua_newuserdata(L, size);
  std::memset(scratch, 0, size);
  if (luaL_newmetatable(L, METATABLE) != 0) {
    lua_pushcfunction(L, collect);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return scratch;
}

}  // namespace demi::script
