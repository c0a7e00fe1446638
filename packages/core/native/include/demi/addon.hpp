// The Node-API glue: turns a backend's device into an addon. It exports open(), for a libOS whose network (or only) engine it is, and its
// EngineModule, for a libOS that another addon opens and that takes its storage from here.
//
// State hangs on the libOS object and on its environment, never on statics, so that Workers and several libOSes work side by side.
#pragma once

#include <napi.h>

#include "demi/addon/guard.hpp"
#include "demi/addon/module.hpp"

namespace demi::addon {

// Throws Failure, Napi::Error.
napi_value open(const Napi::CallbackInfo& in, const EngineModule& own);
napi_value init(napi_env env, napi_value exports, const EngineModule& module, napi_callback open) noexcept;

template <const EngineModule& Own>
napi_value open_call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] { return open(Napi::CallbackInfo(env, info), Own); });
}

// The device of a backend that has nothing to open, no options and no slots to add: an engine made of a Runtime& is all of it.
template <class OnlyEngine>
std::unique_ptr<Device> no_device(const Config&, Failure&) {
  class None final : public Device {
   public:
    std::unique_ptr<Engine> start(Runtime& runtime, Failure&) override { return std::make_unique<OnlyEngine>(runtime); }
  };
  return std::make_unique<None>();
}

}  // namespace demi::addon

// One line makes an addon: DEMI_ADDON(demi_posix, demi::posix::open_device).
#define DEMI_ADDON(addon_name, open_device)                                                    \
  namespace {                                                                                  \
  constexpr demi::addon::EngineModule engine_module{.name = #addon_name, .open = open_device}; \
  }                                                                                            \
  NAPI_MODULE_INIT() { return demi::addon::init(env, exports, engine_module, demi::addon::open_call<engine_module>); }
