// One open libOS as JavaScript holds it: an object of plain functions and two ArrayBuffers.
//
// Nothing here runs per operation except poll(), which moves a whole batch.
#pragma once

#include <napi.h>

#include <memory>

#include "demi/addon/event_loop.hpp"
#include "demi/runtime.hpp"

namespace demi::addon {

// Lives until its functions are collected and its environment has let go of it.
class Instance {
 public:
  // Throws Failure and std::bad_alloc.
  static Instance& make(napi_env env, const Limits& limits, std::shared_ptr<Mapping> memory);

  Runtime* runtime() { return runtime_.get(); }

  // As an object of functions and the two ArrayBuffers. Throws Napi::Error.
  napi_value expose(Napi::Env env);

  // Releases everything; later calls answer EBADF. Views on the ArrayBuffers stay readable and read zeros.
  void destroy();

 private:
  Instance(napi_env env, const Limits& limits, std::shared_ptr<Mapping> memory);
  static void on_environment_end(napi_async_cleanup_hook_handle hook, void* data);
  static void on_wake(void* context);
  void unref() {
    if (--refs_ == 0) delete this;
  }
  static void check(napi_env env, napi_status status) {
    if (status != napi_ok) throw Napi::Error::New(env);
  }
  void add(Napi::Env env, Napi::Object& object, const char* name, napi_callback callback);

  // ---- the calls, as src/native.ts describes them -------------------------------------------------------------------
  static napi_value poll(napi_env env, napi_callback_info info);
  template <auto Body>
  static napi_value call(napi_env env, napi_callback_info info);

  Napi::Value queue(const Napi::CallbackInfo& in);
  Napi::Value socket(const Napi::CallbackInfo& in);
  Napi::Value open(const Napi::CallbackInfo& in);
  Napi::Value unlink(const Napi::CallbackInfo& in);
  Napi::Value bind(const Napi::CallbackInfo& in);
  Napi::Value listen(const Napi::CallbackInfo& in);
  Napi::Value connect(const Napi::CallbackInfo& in);
  Napi::Value shutdown(const Napi::CallbackInfo& in);
  Napi::Value close(const Napi::CallbackInfo& in);
  Napi::Value name(const Napi::CallbackInfo& in);
  Napi::Value set_option(const Napi::CallbackInfo& in);
  Napi::Value get_option(const Napi::CallbackInfo& in);
  Napi::Value seek(const Napi::CallbackInfo& in);
  Napi::Value truncate(const Napi::CallbackInfo& in);
  Napi::Value refill(const Napi::CallbackInfo& in);
  Napi::Value alloc_chain(const Napi::CallbackInfo& in);
  Napi::Value cancel(const Napi::CallbackInfo& in);
  Napi::Value drop(const Napi::CallbackInfo& in);
  Napi::Value arm(const Napi::CallbackInfo& in);
  Napi::Value disarm(const Napi::CallbackInfo& in);
  Napi::Value keep_alive(const Napi::CallbackInfo& in);
  Napi::Value stats(const Napi::CallbackInfo& in);
  Napi::Value destroy_call(const Napi::CallbackInfo& in);

  template <class F>
  int with_queue(const Napi::CallbackInfo& in, F&& f);
  template <class F>
  Napi::Value on_queue(const Napi::CallbackInfo& in, F&& f);
  Napi::Value adopt(const Napi::CallbackInfo& in, std::unique_ptr<Queue> queue, int error);

  std::unique_ptr<Runtime> runtime_;
  EventLoopWatch watch_;
  napi_env env_;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  napi_ref wake_ = nullptr;  // what arm() was given
  int refs_ = 1;             // the environment; each function adds one
};

}  // namespace demi::addon
