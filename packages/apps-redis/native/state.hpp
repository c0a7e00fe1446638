// An interpreter of Lua in which the server's scripts run, or its functions.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "block_cache.hpp"
#include "host.hpp"
#include "lua.hpp"

namespace demi::script {

// What a library of functions registers.
struct Registered {
  std::string name;
  std::string description;
  bool has_description;
  unsigned flags;
  int reference;
};

class State {
 public:
  // `memory`: bytes that scripts may have; what needs more ends with an error. `has_functions`: for libraries of functions.
  State(Host& host, bool has_functions, std::size_t memory);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Which state a function of Lua's belongs to.
  static State& of(lua_State* L) {
    void* context;
    lua_getallocf(L, &context);
    return *static_cast<State*>(context);
  }

  // False: there was no memory for it.
  bool is_open() const { return lua_ != nullptr; }

  // Compiles a script; errors tell of it as `chunk`, and of what runs as `name`. Returns its reference; -1: why not is in `error`.
  int compile(const char* source, std::size_t length, const char* chunk, const std::string& name, std::string& error);
  void release(int reference);

  // Runs the chunk that `compile` made of a library, at most so many milliseconds (0: any time): its functions are in `registered`. False: why
  // not is in `error`, and there are none.
  bool load(const char* source, std::size_t length, std::int64_t milliseconds, std::string& error);
  std::vector<Registered> registered;

  // Runs what the control words say; the reply is in the host's memory.
  void run();
  // Milliseconds since it began.
  std::int64_t running_for() const;

  std::size_t memory() const { return used_; }
  void collect_some();

  Host& host;
  bool is_running = false;
  bool is_loading = false;

  // References to what sandbox.cc makes.
  int environment = LUA_NOREF;
  int globals = LUA_NOREF;
  int handler = LUA_NOREF;
  int globals_metatable = LUA_NOREF;
  int string_metatable = LUA_NOREF;
  int library_globals = LUA_NOREF;
  // The table that the environment shows, in its metatable.
  void show(lua_State* L, int reference);

  const bool has_functions;

 private:
  static void* allocate(void* context, void* data, std::size_t had, std::size_t wanted);
  static void on_count(lua_State* L, lua_Debug*);
  static int run_protected(lua_State* L);
  static int load_protected(lua_State* L);
  void fail(lua_State* L, const char* what);
  void report(lua_State* L);
  void forget_registered();
  const char* name() const;

  void tidy();

  BlockCache blocks_;
  const std::size_t limit_;
  std::size_t used_ = 0;
  bool was_refused_ = false;
  // The limit does not hold: what gives memory back may need some.
  bool is_tidying_ = false;
  lua_State* lua_ = nullptr;
  std::unordered_map<int, std::string> names_;
  std::chrono::steady_clock::time_point began_;
  std::int64_t load_limit_ = 0;
  int runs_ = 0;
};

}  // namespace demi::script
