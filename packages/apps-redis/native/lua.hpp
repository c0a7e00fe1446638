// Lua 5.1's own headers. Its errors jump over the functions that they leave: where one may come, nothing on the stack has a destructor.
#pragma once

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}
