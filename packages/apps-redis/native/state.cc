#include "state.hpp"

#include <cstring>

#include "errors.hpp"
#include "replies.hpp"
#include "sandbox.hpp"

namespace demi::script {
namespace {

// Instructions between two looks at the clock.
constexpr int LOOK_EVERY = 100'000;
// Runs between two steps of Lua's collector, and how large these are.
constexpr int COLLECT_EVERY = 50;

using Clock = std::chrono::steady_clock;

struct Source {
  State& state;
  const char* text;
  std::size_t length;
  const char* chunk;
  int reference;
};

}  // namespace

void* State::allocate(void* context, void* data, std::size_t had, std::size_t wanted) {
  State& state = *static_cast<State*>(context);
  if (data == nullptr) had = 0;
  if (wanted == 0) {
    state.blocks_.release(data, had);
    state.used_ -= had;
    return nullptr;
  }
  if (wanted > had && !state.is_tidying_ && (state.used_ > state.limit_ || wanted - had > state.limit_ - state.used_)) {
    state.was_refused_ = true;
    return nullptr;
  }
  void* given = state.blocks_.resize(data, had, wanted);
  if (given != nullptr) state.used_ += wanted - had;
  return given;
}

State::State(Host& server, bool functions, std::size_t memory)
    : host(server), has_functions(functions), limit_(memory) {
  lua_State* L = lua_newstate(allocate, this);
  if (L == nullptr) return;
  const auto make = [](lua_State* of) {
    make_sandbox(of, *static_cast<State*>(lua_touserdata(of, 1)));
    return 0;
  };
  if (lua_cpcall(L, make, this) != 0) {
    lua_close(L);
    return;
  }
  lua_ = L;
}

State::~State() {
  if (lua_ != nullptr) lua_close(lua_);
}

int State::compile(const char* source, std::size_t length, const char* chunk, const std::string& name,
                   std::string& error) {
  Source what{*this, source, length, chunk, LUA_NOREF};
  const auto body = [](lua_State* L) {
    Source& of = *static_cast<Source*>(lua_touserdata(L, 1));
    lua_rawgeti(L, LUA_REGISTRYINDEX, of.state.environment);
    lua_replace(L, LUA_GLOBALSINDEX);
    if (of.length != 0 && *of.text == LUA_SIGNATURE[0])
      return luaL_error(L, "%s:1: unexpected symbol near 'char(27)'", of.chunk + 1);
    if (luaL_loadbuffer(L, of.text, of.length, of.chunk) != 0) return lua_error(L);
    of.reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
  };
  if (lua_cpcall(lua_, body, &what) == 0) {
    names_[what.reference] = name;
    return what.reference;
  }
  const char* text = lua_tostring(lua_, -1);
  error = text == nullptr ? "it cannot be compiled" : text;
  lua_settop(lua_, 0);
  tidy();
  return -1;
}

void State::release(int reference) {
  // Nothing catches an error here.
  is_tidying_ = true;
  luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  is_tidying_ = false;
  names_.erase(reference);
}

std::int64_t State::running_for() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_).count();
}

const char* State::name() const {
  const auto found = names_.find(host.control[FUNCTION]);
  return found == names_.end() ? "" : found->second.c_str();
}

void State::on_count(lua_State* L, lua_Debug*) {
  State& state = of(L);
  const std::int64_t milliseconds = state.running_for();
  const char* end = nullptr;
  if (state.is_loading) {
    if (state.load_limit_ > 0 && milliseconds > state.load_limit_) end = "FUNCTION LOAD timeout";
  } else if (milliseconds >= state.host.control[THRESHOLD]) {
    state.host.ask(Operation::SLOW);
    if (state.host.control[ANSWER] != 0) end = "Script killed by user with SCRIPT KILL...";
  }
  if (end == nullptr) return;
  // From now on at each line: what catches the error does not get far.
  lua_sethook(L, on_count, LUA_MASKLINE, 0);
  if (L != state.lua_) lua_sethook(state.lua_, on_count, LUA_MASKLINE, 0);
  push_error(L, end);
  lua_error(L);
}

namespace {

void push_words(lua_State* L, const Host& host, std::int32_t from, std::int32_t to) {
  lua_createtable(L, to - from, 0);
  const auto* table = reinterpret_cast<const std::int32_t*>(host.table.data);
  const auto* bytes = reinterpret_cast<const char*>(host.bytes.data);
  for (std::int32_t i = from; i < to; ++i) {
    lua_pushlstring(L, bytes + table[2 * i], static_cast<std::size_t>(table[2 * i + 1]));
    lua_rawseti(L, -2, i - from + 1);
  }
}

}  // namespace

int State::run_protected(lua_State* L) {
  State& state = of(L);
  const std::int32_t* control = state.host.control;
  lua_settop(L, 0);
  lua_rawgeti(L, LUA_REGISTRYINDEX, state.environment);
  lua_replace(L, LUA_GLOBALSINDEX);
  lua_rawgeti(L, LUA_REGISTRYINDEX, state.handler);
  const bool is_eval = control[IS_EVAL] != 0;
  if (is_eval) lua_rawgeti(L, LUA_REGISTRYINDEX, state.globals);
  if (!is_eval) lua_rawgeti(L, LUA_REGISTRYINDEX, control[FUNCTION]);
  push_words(L, state.host, 0, control[KEYS]);
  if (is_eval) lua_setfield(L, 2, "KEYS");
  push_words(L, state.host, control[KEYS], control[COUNT]);
  if (is_eval) {
    lua_setfield(L, 2, "ARGV");
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, control[FUNCTION]);
  }
  if (control[THRESHOLD] > 0) lua_sethook(L, on_count, LUA_MASKCOUNT, LOOK_EVERY);
  const int status = lua_pcall(L, is_eval ? 0 : 2, 1, 1);
  lua_sethook(L, nullptr, 0, 0);
  if (status != 0) {
    state.report(L);
  } else {
    Writer(L, state.host).value();
  }
  return 0;
}

// The error on the top of the stack, as the reply.
void State::report(lua_State* L) {
  Writer out(L, host);
  const int index = lua_gettop(L);
  if (!lua_istable(L, index)) {
    const char* text = lua_isstring(L, index) != 0 ? lua_tostring(L, index) : "execution failure";
    char shown[101];
    std::strncpy(shown, text, sizeof shown - 1);
    shown[sizeof shown - 1] = 0;
    lua_pushfstring(L, "ERR Error running script %s, %s", name(), shown);
    return out.error(lua_tostring(L, -1), true);
  }
  const ErrorFacts facts = facts_of_error(L, index);
  const char* text = facts.text == nullptr ? "ERR unknown error" : facts.text;
  if (facts.source == nullptr || facts.line == nullptr) return out.error(text, !facts.is_counted);
  lua_pushfstring(L, "%s script: %s, on %s:%s.", text, name(), facts.source, facts.line);
  out.error(lua_tostring(L, -1), !facts.is_counted);
}

void State::run() {
  host.control[OUT_LENGTH] = 0;
  began_ = Clock::now();
  is_running = true;
  const int status = lua_cpcall(lua_, run_protected, nullptr);
  is_running = false;
  if (status != 0) fail(lua_, "not enough memory");
  lua_settop(lua_, 0);
  tidy();
  if (++runs_ % COLLECT_EVERY == 0) collect_some();
}

// Memory has come to its end: all that is not used any more goes, as Lua does not look for it then by itself.
void State::tidy() {
  if (!was_refused_) return;
  is_tidying_ = true;
  lua_gc(lua_, LUA_GCCOLLECT, 0);
  is_tidying_ = was_refused_ = false;
}

void State::collect_some() {
  const auto body = [](lua_State* L) {
    lua_gc(L, LUA_GCSTEP, COLLECT_EVERY);
    return 0;
  };
  if (lua_cpcall(lua_, body, nullptr) != 0) lua_settop(lua_, 0);
}

// Not even the reply could be written: what there is of it is thrown away, and this takes no memory.
void State::fail(lua_State* L, const char* what) {
  lua_sethook(L, nullptr, 0, 0);
  const char* text = lua_isstring(L, -1) != 0 ? lua_tostring(L, -1) : what;
  host.control[OUT_LENGTH] = 0;
  const auto put = [this](const char* words) {
    const auto at = static_cast<std::size_t>(host.control[OUT_LENGTH]);
    std::size_t length = std::strlen(words);
    if (length > 100) length = 100;
    if (host.out.size - at < length) return;
    std::memcpy(host.out.data + at, words, length);
    host.control[OUT_LENGTH] = static_cast<std::int32_t>(at + length);
  };
  put("-ERR Error running script ");
  put(name());
  put(", ");
  put(text);
  put("\r\n");
  host.control[COUNT] = 0;
  host.ask(Operation::ERROR);
}

// ---- libraries --------------------------------------------------------------------------------------------------------

int State::load_protected(lua_State* L) {
  Source& of = *static_cast<Source*>(lua_touserdata(L, 1));
  State& state = of.state;
  lua_rawgeti(L, LUA_REGISTRYINDEX, state.environment);
  lua_replace(L, LUA_GLOBALSINDEX);
  if (of.length != 0 && *of.text == LUA_SIGNATURE[0])
    return luaL_error(L, "Error compiling function: %s:1: unexpected symbol near 'char(27)'", of.chunk + 1);
  if (luaL_loadbuffer(L, of.text, of.length, of.chunk) != 0) {
    lua_pushfstring(L, "Error compiling function: %s", lua_tostring(L, -1));
    return lua_error(L);
  }
  state.show(L, state.library_globals);
  lua_sethook(L, on_count, LUA_MASKCOUNT, LOOK_EVERY);
  const int status = lua_pcall(L, 0, 0, 0);
  lua_sethook(L, nullptr, 0, 0);
  if (status == 0) return 0;
  const int index = lua_gettop(L);
  const ErrorFacts facts = facts_of_error(L, index);
  if (lua_isstring(L, index) != 0) {
    lua_pushfstring(L, "Error registering functions: ERR %s", lua_tostring(L, index));
  } else {
    lua_pushfstring(L, "Error registering functions: %s", facts.text == nullptr ? "ERR unknown error" : facts.text);
  }
  return lua_error(L);
}

void State::forget_registered() {
  is_tidying_ = true;
  for (const Registered& one : registered) luaL_unref(lua_, LUA_REGISTRYINDEX, one.reference);
  is_tidying_ = false;
  registered.clear();
}

bool State::load(const char* source, std::size_t length, std::int64_t milliseconds, std::string& error) {
  registered.clear();
  Source what{*this, source, length, "@user_function", LUA_NOREF};
  load_limit_ = milliseconds;
  began_ = Clock::now();
  is_loading = true;
  const int status = lua_cpcall(lua_, load_protected, &what);
  is_loading = false;
  lua_sethook(lua_, nullptr, 0, 0);
  if (status != 0) {
    const char* text = lua_isstring(lua_, -1) != 0 ? lua_tostring(lua_, -1) : nullptr;
    error = text == nullptr ? "not enough memory" : text;
    forget_registered();
  }
  lua_settop(lua_, 0);
  const auto restore = [](lua_State* L) {
    State& state = of(L);
    state.show(L, state.globals);
    return 0;
  };
  is_tidying_ = true;
  if (lua_cpcall(lua_, restore, nullptr) != 0) lua_settop(lua_, 0);
  is_tidying_ = false;
  tidy();
  for (const Registered& one : registered) names_[one.reference] = one.name;
  return status == 0;
}

}  // namespace demi::script
