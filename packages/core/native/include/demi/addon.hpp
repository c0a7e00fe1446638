// The Node-API glue: turns an engine factory into an addon whose only export is open(limits, config).
//
// State hangs on the libOS object and on its environment, never on statics, so that Workers and several libOSes work side by side.
#pragma once

#include <napi.h>

#include <bit>
#include <memory>
#include <string>

#include "demi/guard.hpp"
#include "demi/instance.hpp"
#include "demi/runtime.hpp"

namespace demi::addon {

// Makes the backend's engine. On failure: nullptr, a negative errno in `error` and a sentence in `message`.
using EngineFactory = std::unique_ptr<Engine> (*)(Runtime&, const Config& config, std::string& message, int& error);

// Optional: called before the runtime is made. Brings the device's library up and adds to the limits what the device needs:
// slots it fills itself, memory it can reach. False on failure, as above.
using Prepare = bool (*)(Limits&, const Config& config, std::string& message, int& error);

// Core has validated the numbers against its schema; the bounds here keep a direct caller from breaking the tables.
inline Limits read_limits(const Napi::Object& in) {
  Limits limits;
  auto number = [&](const char* name) { return in.Get(name).ToNumber().Uint32Value(); };
  limits.ring_entries = number("ringEntries");
  limits.tokens = number("tokens");
  limits.queues = number("queues");
  limits.classes.clear();
  const auto classes = in.Get("classes").As<Napi::Array>();
  std::uint64_t slots = 0;
  std::uint64_t bytes = 0;
  bool sane = std::has_single_bit(limits.ring_entries) && limits.ring_entries <= 65536 && limits.tokens >= 1 &&
              limits.tokens <= (1u << layout::kTokenIndexBits) && limits.queues >= 1 &&
              limits.queues <= (1u << layout::kQueueIndexBits) && classes.Length() >= 1 &&
              classes.Length() <= layout::kMaxClasses;
  for (std::uint32_t i = 0; sane && i < classes.Length(); ++i) {
    const auto entry = classes.Get(i).As<Napi::Object>();
    const SizeClass c{entry.Get("size").ToNumber().Uint32Value(), entry.Get("count").ToNumber().Uint32Value()};
    slots += c.count;
    bytes += static_cast<std::uint64_t>(c.size) * c.count;
    sane = c.size >= layout::kSlotAlign && c.size % layout::kSlotAlign == 0 && c.size <= (16u << 20) && c.count >= 1 &&
           slots <= (1u << layout::kSlotIndexBits) && bytes <= (4ull << 30) &&
           (i == 0 || c.size > limits.classes.back().size);
    limits.classes.push_back(c);
  }
  if (!sane) throw Failure{-EINVAL, "limits out of range"};
  return limits;
}

template <EngineFactory Make, Prepare Ready>
napi_value open(const Napi::CallbackInfo& in) {
  if (!in[0].IsObject() || !in[1].IsObject()) throw Failure{-EINVAL, "open(limits, config) takes two objects"};
  Limits limits = read_limits(in[0].As<Napi::Object>());
  Config config;
  const auto given = in[1].As<Napi::Object>();
  const auto names = given.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    config[name] = given.Get(name).ToString().Utf8Value();
  }
  std::string message;
  int error = -EIO;
  if constexpr (Ready != nullptr) {
    if (!Ready(limits, config, message, error)) throw Failure{error, message};
    if (limits.slots() > (1u << layout::kSlotIndexBits)) throw Failure{-EINVAL, "more slots than can be named"};
  }
  Instance& instance = [&]() -> Instance& {
    try {
      return Instance::make(in.Env(), limits);
    } catch (const std::bad_alloc&) {
      throw Failure{-ENOMEM, "no memory for an arena of this size"};
    }
  }();
  try {
    std::unique_ptr<Engine> engine = Make(*instance.runtime(), config, message, error);
    if (!engine) throw Failure{error, message};
    instance.runtime()->set_engine(std::move(engine));
    return instance.expose(in.Env());
  } catch (...) {
    instance.destroy();
    throw;
  }
}

template <EngineFactory Make, Prepare Ready = nullptr>
napi_value init(napi_env env, napi_value exports) noexcept {
  const napi_callback callback = [](napi_env in, napi_callback_info info) -> napi_value {
    return guarded(in, [&] { return open<Make, Ready>(Napi::CallbackInfo(in, info)); });
  };
  napi_value function = nullptr;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, "open", function);
  }
  return exports;
}

}  // namespace demi::addon

// One line makes an addon: DEMI_ADDON(demi_posix, make_posix_engine); a Prepare function may follow the factory.
#define DEMI_ADDON(name, ...) \
  NAPI_MODULE_INIT() { return demi::addon::init<__VA_ARGS__>(env, exports); }
