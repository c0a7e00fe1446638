// Between RESP and Lua's values (https://redis.io/docs/latest/develop/programmability/lua-api/#data-type-conversion).
#pragma once

#include "host.hpp"
#include "lua.hpp"

namespace demi::script {

// Leaves the value of the reply of a command, which is whole, on the stack. True: it is an error.
bool push_reply(lua_State* L, const Host& host);

// Writes replies into the host's memory. Where there is none for them, Lua's error is raised.
class Writer {
 public:
  Writer(lua_State* L, Host& host) : L(L), host_(host) {}

  // The value on the top of the stack as a reply; takes it from there.
  void value();
  // An error: begins with its code. `counts`: nobody has counted it yet.
  void error(const char* text, bool counts);

 private:
  void table();
  bool marked();
  void number(double value);
  void real(double value);
  void verbatim(const char* text, std::size_t length, const char* format);
  void bulk(const char* text, std::size_t length);
  // Line ends within the text become spaces.
  void plain(const char* text, std::size_t length);
  void line(char kind, const char* text, std::size_t length);
  void head(char kind, std::int64_t count);
  void null();
  void append(const void* bytes, std::size_t count);
  bool is_resp3() const { return host_.control[CLIENT_RESP] == 3; }

  lua_State* L;
  Host& host_;
};

}  // namespace demi::script
