// The native calls: what JavaScript passes, checked and handed to the runtime, a queue or the engines.
#include <algorithm>
#include <string>
#include <utility>

#include "demi/addon/arguments.hpp"
#include "demi/addon/guard.hpp"
#include "demi/addon/instance.hpp"
#include "demi/memory_queue.hpp"

namespace demi::addon {

napi_value Instance::poll(napi_env env, napi_callback_info info) {
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

template <class F>
int Instance::with_queue(const Napi::CallbackInfo& in, F&& f) {
  Queue* queue = runtime_->find(integer(in, 0));
  return queue == nullptr ? -EBADF : f(*queue);
}

template <class F>
Napi::Value Instance::on_queue(const Napi::CallbackInfo& in, F&& f) {
  return number(in, with_queue(in, std::forward<F>(f)));
}

Napi::Value Instance::adopt(const Napi::CallbackInfo& in, std::unique_ptr<Queue> queue, int error) {
  return number(in, queue ? runtime_->adopt(std::move(queue)) : error);
}

Napi::Value Instance::queue(const Napi::CallbackInfo& in) {
  const auto capacity = uint(in, 0);
  return number(in, runtime_->adopt(std::make_unique<MemoryQueue>(*runtime_, capacity)));
}

Napi::Value Instance::socket(const Napi::CallbackInfo& in) {
  SocketRequest request;
  request.kind = flag(in, 0) ? SocketKind::kDatagram : SocketKind::kStream;
  request.family = integer(in, 1);
  if (const int error = parse_framing(text(in, 2), request.framing); error != 0) return number(in, error);
  request.max_message = uint(in, 3);
  int error = -EAFNOSUPPORT;
  auto queue = runtime_->engines().socket(request, error);
  return adopt(in, std::move(queue), error);
}

Napi::Value Instance::open(const Napi::CallbackInfo& in) {
  FileRequest request{text(in, 0), integer(in, 1), integer(in, 2), flag(in, 3)};
  int error = -EOPNOTSUPP;
  auto queue = runtime_->engines().open(request, error);
  return adopt(in, std::move(queue), error);
}

Napi::Value Instance::unlink(const Napi::CallbackInfo& in) {
  return number(in, runtime_->engines().unlink(text(in, 0)));
}

Napi::Value Instance::bind(const Napi::CallbackInfo& in) {
  Address address;
  if (const int error = Address::parse(text(in, 1), integer(in, 2), address); error != 0) return number(in, error);
  return on_queue(in, [&](Queue& q) { return q.bind(address); });
}

Napi::Value Instance::listen(const Napi::CallbackInfo& in) {
  return on_queue(in, [&](Queue& q) { return q.listen(integer(in, 1)); });
}

Napi::Value Instance::connect(const Napi::CallbackInfo& in) {
  Address address;
  if (const int error = Address::parse(text(in, 2), integer(in, 3), address); error != 0) return number(in, error);
  return number(in, runtime_->connect(integer(in, 0), integer(in, 1), address));
}

Napi::Value Instance::shutdown(const Napi::CallbackInfo& in) {
  return on_queue(in, [](Queue& q) { return q.shutdown(); });
}

Napi::Value Instance::close(const Napi::CallbackInfo& in) { return number(in, runtime_->close(integer(in, 0))); }

Napi::Value Instance::name(const Napi::CallbackInfo& in) {
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

Napi::Value Instance::set_option(const Napi::CallbackInfo& in) {
  return on_queue(in,
                  [&](Queue& q) { return q.set_option(static_cast<SocketOption>(integer(in, 1)), integer(in, 2)); });
}

Napi::Value Instance::get_option(const Napi::CallbackInfo& in) {
  int value = 0;
  const int error =
      with_queue(in, [&](Queue& q) { return q.get_option(static_cast<SocketOption>(integer(in, 1)), value); });
  if (error != 0) return number(in, error);
  auto out = Napi::Array::New(in.Env(), 1);
  out.Set(0u, static_cast<double>(value));
  return out;
}

Napi::Value Instance::seek(const Napi::CallbackInfo& in) {
  std::int64_t position = 0;
  const int error = with_queue(in, [&](Queue& q) { return q.seek(integer64(in, 1), integer(in, 2), position); });
  return number(in, error != 0 ? error : static_cast<double>(position));
}

Napi::Value Instance::truncate(const Napi::CallbackInfo& in) {
  return on_queue(in, [&](Queue& q) { return q.truncate(integer64(in, 1)); });
}

Napi::Value Instance::refill(const Napi::CallbackInfo& in) {
  return number(in, runtime_->refill(uint(in, 0), uint(in, 1)));
}

Napi::Value Instance::alloc_chain(const Napi::CallbackInfo& in) {
  std::uint32_t sizes[layout::kMaxSegments];
  const auto list = in.Length() > 0 && in[0].IsArray() ? in[0].As<Napi::Array>() : Napi::Array::New(in.Env());
  if (list.Length() == 0 || list.Length() > layout::kMaxSegments) return number(in, 0);
  for (std::uint32_t i = 0; i < list.Length(); ++i) sizes[i] = list.Get(i).ToNumber().Uint32Value();
  return number(in, runtime_->alloc_chain({sizes, list.Length()}));
}

Napi::Value Instance::cancel(const Napi::CallbackInfo& in) { return number(in, runtime_->cancel(integer(in, 0))); }

Napi::Value Instance::drop(const Napi::CallbackInfo& in) { return number(in, runtime_->drop(integer(in, 0))); }

Napi::Value Instance::stats(const Napi::CallbackInfo& in) {
  auto out = Napi::Object::New(in.Env());
  runtime_->stats([&](const char* name, double value) { out.Set(name, value); });
  runtime_->engines().for_each([&](const std::string& engine, const Engine& of) {
    of.stats([&](const char* name, double value) { out.Set(engine + "." + name, value); });
  });
  return out;
}

Napi::Value Instance::destroy_call(const Napi::CallbackInfo& in) {
  destroy();
  return in.Env().Undefined();
}

// ---- the object ----------------------------------------------------------------------------------------------------

void Instance::add(Napi::Env env, Napi::Object& object, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, this, &function));
  const auto collected = [](napi_env, void* data, void*) { static_cast<Instance*>(data)->unref(); };
  check(env, napi_add_finalizer(env, function, this, collected, nullptr, nullptr));
  ++refs_;
  object.Set(name, Napi::Value(env, function));
}

napi_value Instance::expose(Napi::Env env) {
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
  auto engines = Napi::Array::New(env);
  runtime_->engines().for_each([&](const std::string&, const Engine& engine) {
    engines.Set(engines.Length(), Napi::String::New(env, engine.name()));
  });
  object.Set("engines", engines);
  object.Set("tendEvery", runtime_->engines().tend_every_ms());
  add(env, object, "poll", &Instance::poll);
  add(env, object, "queue", &call<&Instance::queue>);
  add(env, object, "socket", &call<&Instance::socket>);
  add(env, object, "open", &call<&Instance::open>);
  add(env, object, "unlink", &call<&Instance::unlink>);
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
  add(env, object, "keepAlive", &call<&Instance::keep_alive>);
  add(env, object, "stats", &call<&Instance::stats>);
  add(env, object, "destroy", &call<&Instance::destroy_call>);
  return object;
}

}  // namespace demi::addon
