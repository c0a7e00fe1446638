#include "demi/addon.hpp"

#include <bit>
#include <string>
#include <utility>

#include "demi/addon/guard.hpp"
#include "demi/addon/instance.hpp"

namespace demi::addon {

namespace {

// Core has validated the numbers against its schema; the bounds here keep a direct caller from breaking the tables.
Limits read_limits(const Napi::Object& in) {
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

Config read_config(const Napi::Object& in) {
  Config config;
  const auto names = in.GetPropertyNames();
  for (std::uint32_t i = 0; i < names.Length(); ++i) {
    const std::string name = names.Get(i).ToString().Utf8Value();
    config[name] = in.Get(name).ToString().Utf8Value();
  }
  return config;
}

// An engine of the set before it has one: its name, its options, what opens its device.
struct Opening {
  std::string name;
  Config config;
  OpenDevice open;
  std::unique_ptr<Device> device = nullptr;
};

const EngineModule& read_module(const Napi::Value& value, const EngineModule& own) {
  if (!value.IsExternal()) throw Failure{-EINVAL, "the storage engine's module is none"};
  const auto* module = value.As<Napi::External<const EngineModule>>().Data();
  if (module == nullptr || module->magic != EngineModule::kMagic)
    throw Failure{-EPROTO, std::string("what is to be joined with ") + own.name + " is no engine's module"};
  // The name and the build have stood at the same place since there are modules.
  const std::string theirs = module->build;
  if (module->size != own.size || module->shape != own.shape || theirs != own.build) {
    throw Failure{-EPROTO,
                  std::string(own.name) + " (build " + own.build + ") and " + module->name + " (build " + theirs +
                      ") were compiled against different versions of @demikernel/core: install or rebuild both"};
  }
  return *module;
}

// The devices plan, somebody provides the memory, the runtime is made, the engines start and reach all of its memory.
napi_value start(Napi::Env env, Limits& limits, std::vector<Opening>& openings) {
  Failure failure;
  for (Opening& opening : openings) {
    const Device* const before = limits.provider;
    opening.device = opening.open(opening.config, failure);
    if (!opening.device || !opening.device->plan(limits, failure)) throw std::move(failure);
    if (before != nullptr && limits.provider != before)
      throw Failure{-EINVAL, opening.name + " needs the arena in memory of its own, and so does another engine"};
  }
  if (!limits.slots_fit()) throw Failure{-EINVAL, "more slots than can be named"};
  std::shared_ptr<Mapping> memory;
  if (limits.provider != nullptr) {
    memory = limits.provider->memory(limits.arena_bytes(), failure);
    if (!memory) throw std::move(failure);
  }
  Instance& instance = [&]() -> Instance& {
    try {
      return Instance::make(env, limits, std::move(memory));
    } catch (const std::bad_alloc&) {
      throw Failure{-ENOMEM, "no memory for an arena of this size"};
    }
  }();
  try {
    Runtime& runtime = *instance.runtime();
    for (Opening& opening : openings) {
      std::unique_ptr<Engine> engine = opening.device->start(runtime, failure);
      if (!engine || !engine->map({runtime.arena().base(), runtime.arena().bytes()}, failure)) throw std::move(failure);
      const int error = runtime.engines().add(opening.name, std::move(engine), std::move(opening.device));
      if (error != 0) throw Failure{error, opening.name + " cannot be waited for beside the others"};
    }
    return instance.expose(env);
  } catch (...) {
    instance.destroy();
    throw;
  }
}

}  // namespace

// open(limits, engine, storage?): see src/native.ts.
napi_value open(const Napi::CallbackInfo& in, const EngineModule& own) {
  if (!in[0].IsObject() || !in[1].IsObject()) throw Failure{-EINVAL, "open(limits, engine) takes two objects"};
  Limits limits = read_limits(in[0].As<Napi::Object>());
  std::vector<Opening> openings;
  const auto add = [&](const Napi::Object& engine, OpenDevice open) {
    if (!engine.Get("options").IsObject()) throw Failure{-EINVAL, "an engine is a name and its options"};
    openings.push_back(
        {engine.Get("name").ToString().Utf8Value(), read_config(engine.Get("options").As<Napi::Object>()), open});
  };
  add(in[1].As<Napi::Object>(), own.open);
  if (in[2].IsObject()) {
    const auto storage = in[2].As<Napi::Object>();
    add(storage, read_module(storage.Get("module"), own).open);
  }
  return start(in.Env(), limits, openings);
}

napi_value init(napi_env env, napi_value exports, const EngineModule& module, napi_callback callback) noexcept {
  napi_value function = nullptr;
  if (napi_create_function(env, "open", NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, "open", function);
  }
  napi_value external = nullptr;
  if (napi_create_external(env, const_cast<EngineModule*>(&module), nullptr, nullptr, &external) == napi_ok) {
    napi_set_named_property(env, exports, "module", external);
  }
  return exports;
}

}  // namespace demi::addon
