// The life of an Instance: made, asleep in Node's loop, ended by destroy() or with its environment.
#include "demi/addon/instance.hpp"

#include <utility>

#include "demi/addon/arguments.hpp"
#include "demi/addon/guard.hpp"

namespace demi::addon {

Instance& Instance::make(napi_env env, const Limits& limits, std::shared_ptr<Mapping> memory) {
  std::unique_ptr<Instance> made(new Instance(env, limits, std::move(memory)));
  if (napi_add_async_cleanup_hook(env, &Instance::on_environment_end, made.get(), &made->cleanup_hook_) != napi_ok) {
    throw Failure{-ECANCELED, "the environment is ending"};
  }
  return *made.release();
}

Instance::Instance(napi_env env, const Limits& limits, std::shared_ptr<Mapping> memory)
    : runtime_(std::make_unique<Runtime>(limits, std::move(memory))), env_(env) {}

void Instance::destroy() {
  if (!runtime_) return;
  watch_.close();
  if (wake_ != nullptr) napi_delete_reference(env_, std::exchange(wake_, nullptr));
  const auto control = runtime_->control_mapping();
  runtime_.reset();
  control->discard();
  napi_remove_async_cleanup_hook(cleanup_hook_);
  unref();
}

// The environment ends (Worker terminated, process exits): no JavaScript any more, but libuv must still close the watch.
void Instance::on_environment_end(napi_async_cleanup_hook_handle hook, void* data) {
  auto* self = static_cast<Instance*>(data);
  self->cleanup_hook_ = hook;
  self->wake_ = nullptr;  // goes with the environment
  self->watch_.close(
      [](void* context) {
        auto* closed = static_cast<Instance*>(context);
        closed->runtime_.reset();
        napi_remove_async_cleanup_hook(closed->cleanup_hook_);
        closed->unref();
      },
      self);
}

// ---- sleeping in Node's loop ---------------------------------------------------------------------------------------

Napi::Value Instance::arm(const Napi::CallbackInfo& in) {
  EngineSet& engines = runtime_->engines();
  const int sleep_ms = engines.prepare_sleep();
  const int fd = engines.sleep_fd();
  if (sleep_ms == 0 || fd < 0) return number(in, sleep_ms);
  if (wake_ == nullptr && in[0].IsFunction()) check(in.Env(), napi_create_reference(in.Env(), in[0], 1, &wake_));
  uv_loop_s* loop = nullptr;
  napi_get_uv_event_loop(in.Env(), reinterpret_cast<::uv_loop_s**>(&loop));
  if (const int error = watch_.arm(loop, fd, &Instance::on_wake, this); error != 0) {
    engines.end_sleep();
    return number(in, 1);  // cannot watch: look again in a millisecond
  }
  return number(in, sleep_ms);
}

Napi::Value Instance::disarm(const Napi::CallbackInfo& in) {
  watch_.disarm();
  runtime_->engines().end_sleep();
  return in.Env().Undefined();
}

Napi::Value Instance::keep_alive(const Napi::CallbackInfo& in) {
  watch_.keep_alive(in[0].IsBoolean() && in[0].As<Napi::Boolean>().Value());
  return in.Env().Undefined();
}

// libuv calls it: nothing here throws.
void Instance::on_wake(void* context) {
  auto* self = static_cast<Instance*>(context);
  napi_env env = self->env_;
  self->watch_.disarm();
  self->runtime_->engines().end_sleep();
  napi_handle_scope scope = nullptr;
  if (self->wake_ == nullptr || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value function = nullptr;
  napi_value global = nullptr;
  if (napi_get_reference_value(env, self->wake_, &function) == napi_ok && napi_get_global(env, &global) == napi_ok &&
      napi_make_callback(env, nullptr, global, function, 0, nullptr, nullptr) == napi_pending_exception) {
    napi_value error = nullptr;
    if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

}  // namespace demi::addon
