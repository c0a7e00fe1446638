// Bytes that are gathered while Lua may raise an error: they are Lua's own memory, in a userdata, so that they count to its limit and nothing
// is lost when a function is left.
#pragma once

#include <cstddef>

#include "lua.hpp"

namespace demi::script {

struct Scratch {
  char* data;
  std::size_t length;
  std::size_t capacity;

  // Begins anew. What was much is given back.
  void reset(lua_State* L);
  void append(lua_State* L, const void* bytes, std::size_t count);
  void append(lua_State* L, char byte) {
    if (length == capacity) grow(L, 1);
    data[length++] = byte;
  }
  void grow(lua_State* L, std::size_t more);
  void release(lua_State* L);
};

// Leaves a userdata on the stack that begins with a Scratch and has `size` bytes, which are zero.
void* new_scratch(lua_State* L, std::size_t size = sizeof(Scratch));

}  // namespace demi::script
