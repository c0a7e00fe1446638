// One open libOS as JavaScript holds it: an object of plain functions and two ArrayBuffers.
//
// Nothing here runs per operation except poll(), which moves a whole batch.
#pragma once

#include <napi.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "demi/event_loop.hpp"
#include "demi/guard.hpp"
#include "demi/memory_queue.hpp"
#include "demi/runtime.hpp"

namespace demi::addon {

// One libOS as JavaScript holds it. Lives until its functions are collected and its environment has let go of it.
class Instance {
 public:
  // Throws Failure and std::bad_alloc.
  static Instance& make(napi_env env, const Limits& limits) {
    std::unique_ptr<Instance> made(new Instance(env, limits));
    if (napi_add_async_cleanup_hook(env, &Instance::on_environment_end, made.get(), &made->cleanup_hook_) != napi_ok) {
      throw Failure{-ECANCELED, "the environment is ending"};
    }
    return *made.release();
  }

  Runtime* runtime() { return runtime_.get(); }

  // As an object of functions and the two ArrayBuffers. Throws Napi::Error.
  napi_value expose(Napi::Env env);

  // Releases everything; later calls answer EBADF. Views on the ArrayBuffers stay readable and read zeros.
  void destroy() {
    if (!runtime_) return;
    watch_.close();
    if (wake_ != nullptr) napi_delete_reference(env_, std::exchange(wake_, nullptr));
    const auto control = runtime_->control_mapping();
    const auto arena = runtime_->arena().mapping();
    runtime_.reset();
    control->discard();
    arena->discard();
    napi_remove_async_cleanup_hook(cleanup_hook_);
    unref();
  }

 private:
  Instance(napi_env env, const Limits& limits) : runtime_(std::make_unique<Runtime>(limits)), env_(env) {}

  // The environment ends (Worker terminated, process exits): no JavaScript any more, but libuv must still close the watch.
  static void on_environment_end(napi_async_cleanup_hook_handle hook, void* data) {
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

  void unref() {
    if (--refs_ == 0) delete this;
  }

  void add(Napi::Env env, Napi::Object& object, const char* name, napi_callback callback) {
    napi_value function = nullptr;
    check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, this, &function));
    const auto collected = [](napi_env, void* data, void*) { static_cast<Instance*>(data)->unref(); };
    check(env, napi_add_finalizer(env, function, this, collected, nullptr, nullptr));
    ++refs_;
    object.Set(name, Napi::Value(env, function));
  }

  static void check(napi_env env, napi_status status) {
    if (status != napi_ok) throw Napi::Error::New(env);
  }

  static void woken(void* context);

  // ---- the calls ----------------------------------------------------------------------------------------------------

  static napi_value poll(napi_env env, napi_callback_info info);
  template <auto Body>
  static napi_value call(napi_env env, napi_callback_info info);

  Napi::Value queue(const Napi::CallbackInfo& in) {
    const auto capacity = uint(in, 0);
    return number(in, runtime_->adopt(std::make_unique<MemoryQueue>(*runtime_, capacity)));
  }
  Napi::Value socket(const Napi::CallbackInfo& in) {
    SocketRequest request;
    request.kind = flag(in, 0) ? SocketKind::kDatagram : SocketKind::kStream;
    request.family = integer(in, 1);
    if (const int error = parse_framing(text(in, 2), request.framing); error != 0) return number(in, error);
    request.max_message = uint(in, 3);
    int error = -EAFNOSUPPORT;
    auto queue = runtime_->engine()->socket(request, error);
    return adopt(in, std::move(queue), error);
  }
  Napi::Value open(const Napi::CallbackInfo& in) {
    FileRequest request{text(in, 0), integer(in, 1), integer(in, 2), flag(in, 3)};
    int error = -EOPNOTSUPP;
    auto queue = runtime_->engine()->open(request, error);
    return adopt(in, std::move(queue), error);
  }
  Napi::Value bind(const Napi::CallbackInfo& in) {
    Address address;
    if (const int error = Address::parse(text(in, 1), integer(in, 2), address); error != 0) return number(in, error);
    return on_queue(in, [&](Queue& q) { return q.bind(address); });
  }
  Napi::Value listen(const Napi::CallbackInfo& in) {
    return on_queue(in, [&](Queue& q) { return q.listen(integer(in, 1)); });
  }
  Napi::Value connect(const Napi::CallbackInfo& in) {
    Address address;
    if (const int error = Address::parse(text(in, 2), integer(in, 3), address); error != 0) return number(in, error);
    return number(in, runtime_->connect(integer(in, 0), integer(in, 1), address));
  }
  Napi::Value shutdown(const Napi::CallbackInfo& in) {
    return on_queue(in, [](Queue& q) { return q.shutdown(); });
  }
  Napi::Value close(const Napi::CallbackInfo& in) { return number(in, runtime_->close(integer(in, 0))); }
  Napi::Value name(const Napi::CallbackInfo& in) {
    Address address;
    const int error =
        with_queue(in, [&](Queue& q) { return flag(in, 1) ? q.peer_address(address) : q.local_address(address); });
    if (error != 0) return number(in, error);
    auto out = Napi::Array::New(in.Env(), 3);
    out.Set(0u, address.host());
    out.Set(1u, static_cast<double>(address.port));
    out.Set(2u, static_cast<double>(address.family));
    return out;
  }
  Napi::Value set_option(const Napi::CallbackInfo& in) {
    return on_queue(in,
                    [&](Queue& q) { return q.set_option(static_cast<SocketOption>(integer(in, 1)), integer(in, 2)); });
  }
  Napi::Value get_option(const Napi::CallbackInfo& in) {
    int value = 0;
    const int error =
        with_queue(in, [&](Queue& q) { return q.get_option(static_cast<SocketOption>(integer(in, 1)), value); });
    if (error != 0) return number(in, error);
    auto out = Napi::Array::New(in.Env(), 1);
    out.Set(0u, static_cast<double>(value));
    return out;
  }
  Napi::Value seek(const Napi::CallbackInfo& in) {
    std::int64_t position = 0;
    const int error = with_queue(in, [&](Queue& q) { return q.seek(integer64(in, 1), integer(in, 2), position); });
    return number(in, error != 0 ? error : static_cast<double>(position));
  }
  Napi::Value truncate(const Napi::CallbackInfo& in) {
    return on_queue(in, [&](Queue& q) { return q.truncate(integer64(in, 1)); });
  }
  Napi::Value refill(const Napi::CallbackInfo& in) { return number(in, runtime_->refill(uint(in, 0), uint(in, 1))); }
  Napi::Value alloc_chain(const Napi::CallbackInfo& in) {
    std::uint32_t sizes[layout::kMaxSegments];
    const auto list = in.Length() > 0 && in[0].IsArray() ? in[0].As<Napi::Array>() : Napi::Array::New(in.Env());
    if (list.Length() == 0 || list.Length() > layout::kMaxSegments) return number(in, 0);
    for (std::uint32_t i = 0; i < list.Length(); ++i) sizes[i] = list.Get(i).ToNumber().Uint32Value();
    return number(in, runtime_->alloc_chain({sizes, list.Length()}));
  }
  Napi::Value cancel(const Napi::CallbackInfo& in) { return number(in, runtime_->cancel(integer(in, 0))); }
  Napi::Value drop(const Napi::CallbackInfo& in) { return number(in, runtime_->drop(integer(in, 0))); }
  Napi::Value arm(const Napi::CallbackInfo& in);
  Napi::Value disarm(const Napi::CallbackInfo& in) {
    watch_.disarm();
    runtime_->engine()->end_sleep();
    return in.Env().Undefined();
  }
  Napi::Value stats(const Napi::CallbackInfo& in) {
    auto out = Napi::Object::New(in.Env());
    runtime_->stats([&](const char* name, double value) { out.Set(name, value); });
    return out;
  }
  Napi::Value destroy_call(const Napi::CallbackInfo& in) {
    destroy();
    return in.Env().Undefined();
  }

  // ---- arguments: what is missing or of the wrong type reads as 0, "" or false; core has checked them before --------------
  static std::int32_t integer(const Napi::CallbackInfo& in, std::size_t i) {
    return in[i].IsNumber() ? in[i].As<Napi::Number>().Int32Value() : 0;
  }
  static std::int64_t integer64(const Napi::CallbackInfo& in, std::size_t i) {
    return in[i].IsNumber() ? in[i].As<Napi::Number>().Int64Value() : 0;
  }
  static std::uint32_t uint(const Napi::CallbackInfo& in, std::size_t i) {
    return in[i].IsNumber() ? in[i].As<Napi::Number>().Uint32Value() : 0;
  }
  static bool flag(const Napi::CallbackInfo& in, std::size_t i) {
    return in[i].IsBoolean() && in[i].As<Napi::Boolean>().Value();
  }
  static std::string text(const Napi::CallbackInfo& in, std::size_t i) {
    return in[i].IsString() ? in[i].As<Napi::String>().Utf8Value() : std::string();
  }
  static Napi::Value number(const Napi::CallbackInfo& in, double value) { return Napi::Number::New(in.Env(), value); }

  template <class F>
  int with_queue(const Napi::CallbackInfo& in, F&& f) {
    Queue* queue = runtime_->find(integer(in, 0));
    return queue == nullptr ? -EBADF : f(*queue);
  }
  template <class F>
  Napi::Value on_queue(const Napi::CallbackInfo& in, F&& f) {
    return number(in, with_queue(in, std::forward<F>(f)));
  }
  Napi::Value adopt(const Napi::CallbackInfo& in, std::unique_ptr<Queue> queue, int error) {
    return number(in, queue ? runtime_->adopt(std::move(queue)) : error);
  }

  std::unique_ptr<Runtime> runtime_;
  EventLoopWatch watch_;
  napi_env env_;
  napi_async_cleanup_hook_handle cleanup_hook_ = nullptr;
  napi_ref wake_ = nullptr;  // what arm() was given
  int refs_ = 1;             // the environment; each function adds one
};

inline napi_value Instance::poll(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  auto* runtime = static_cast<Instance*>(data)->runtime();
  if (runtime != nullptr) [[likely]] {
    // A word anybody can write to: not more than JavaScript asks for at most.
    constexpr std::uint32_t kMostWait = 1'000'000;
    return guarded(env, [&]() -> napi_value {
      runtime->poll(std::min(static_cast<std::uint32_t>(runtime->control()[layout::kWordWait]), kMostWait));
      return nullptr;
    });
  }
  napi_value error = nullptr;
  napi_create_int32(env, -EBADF, &error);
  return error;
}

template <auto Body>
napi_value Instance::call(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    Napi::CallbackInfo in(env, info);
    auto* self = static_cast<Instance*>(in.Data());
    if (!self->runtime_) return Napi::Number::New(env, -EBADF);
    try {
      return (self->*Body)(in);
    } catch (const std::bad_alloc&) {
      return Napi::Number::New(env, -ENOMEM);
    }
  });
}

inline Napi::Value Instance::arm(const Napi::CallbackInfo& in) {
  Engine& engine = *runtime_->engine();
  const int sleep_ms = engine.prepare_sleep();
  const int fd = engine.sleep_fd();
  if (sleep_ms != 0 && fd >= 0) {
    if (wake_ == nullptr && in[0].IsFunction()) check(in.Env(), napi_create_reference(in.Env(), in[0], 1, &wake_));
    uv_loop_s* loop = nullptr;
    napi_get_uv_event_loop(in.Env(), reinterpret_cast<::uv_loop_s**>(&loop));
    if (const int error = watch_.arm(loop, fd, &Instance::woken, this); error != 0) {
      engine.end_sleep();
      return number(in, 1);  // cannot watch: look again in a millisecond
    }
  } else if (sleep_ms == 0) {
    engine.end_sleep();
  }
  return number(in, sleep_ms);
}

// libuv calls it: nothing here throws.
inline void Instance::woken(void* context) {
  auto* self = static_cast<Instance*>(context);
  napi_env env = self->env_;
  self->watch_.disarm();
  self->runtime_->engine()->end_sleep();
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

inline napi_value Instance::expose(Napi::Env env) {
  auto object = Napi::Object::New(env);
  auto buffer = [&](const char* name, const std::shared_ptr<Mapping>& mapping) {
    auto keep = std::make_unique<std::shared_ptr<Mapping>>(mapping);
    const auto made = Napi::ArrayBuffer::New(
        env, mapping->data(), mapping->bytes(), [](Napi::Env, void*, std::shared_ptr<Mapping>* kept) { delete kept; },
        keep.get());
    keep.release();  // not before: in an environment that is ending none is made
    object.Set(name, made);
  };
  buffer("rings", runtime_->control_mapping());
  buffer("arena", runtime_->arena().mapping());
  object.Set("engine", runtime_->engine()->name());
  object.Set("tendEvery", runtime_->engine()->tend_every_ms());
  add(env, object, "poll", &Instance::poll);
  add(env, object, "queue", &call<&Instance::queue>);
  add(env, object, "socket", &call<&Instance::socket>);
  add(env, object, "open", &call<&Instance::open>);
  add(env, object, "bind", &call<&Instance::bind>);
  add(env, object, "listen", &call<&Instance::listen>);
  add(env, object, "connect", &call<&Instance::connect>);
  add(env, object, "shutdown", &call<&Instance::shutdown>);
  add(env, object, "close", &call<&Instance::close>);
  add(env, object, "name", &call<&Instance::name>);
  add(env, object, "setOption", &call<&Instance::set_option>);
  add(env, object, "getOption", &call<&Instance::get_option>);
  add(env, object, "seek", &call<&Instance::seek>);
  add(env, object, "truncate", &call<&Instance::truncate>);
  add(env, object, "refill", &call<&Instance::refill>);
  add(env, object, "allocChain", &call<&Instance::alloc_chain>);
  add(env, object, "cancel", &call<&Instance::cancel>);
  add(env, object, "drop", &call<&Instance::drop>);
  add(env, object, "arm", &call<&Instance::arm>);
  add(env, object, "disarm", &call<&Instance::disarm>);
  add(env, object, "stats", &call<&Instance::stats>);
  add(env, object, "destroy", &call<&Instance::destroy_call>);
  return object;
}

}  // namespace demi::addon
