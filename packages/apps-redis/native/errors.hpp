// Errors as scripts see them: tables with `err`, which begins with a code.
#pragma once

#include <cstddef>

#include "lua.hpp"

namespace demi::script {

// Leaves the table on the stack. `text`: "-CODE words", or words, which get the code ERR.
void push_error(lua_State* L, const char* text);
void push_error(lua_State* L, const char* text, std::size_t length);
// As an error of a command that has been counted already.
void push_counted_error(lua_State* L, const char* text, std::size_t length);

// What is known of the error on the top of the stack, which stays; the texts are Lua's.
struct ErrorFacts {
  const char* text;
  const char* source;
  const char* line;
  bool is_counted;
};
ErrorFacts facts_of_error(lua_State* L, int index);

// The handler of errors of what runs: they become tables that say where they came from.
int handle_error(lua_State* L);

}  // namespace demi::script
