// The backend's interface, and beside it what demi-log asks of a device that no libOS has open: format() and inspect(), which may take
// seconds and so run on a thread of libuv's.
#include <napi.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <string>
#include <utility>

#include "demi/addon.hpp"
#include "demi/addon/arguments.hpp"
#include "inspection.hpp"
#include "spdk_engine.hpp"

namespace {

using demi::Failure;
using demi::addon::guarded;
using demi::spdk::Inspection;

constexpr demi::addon::EngineModule spdk_module{.name = "demi_spdk", .open = demi::spdk::open_device};

// As src/addon.ts describes it.
Napi::Object object_of(Napi::Env env, const Inspection& found) {
  std::array<char, 17> identity{};
  std::snprintf(identity.data(), identity.size(), "%016llx", static_cast<unsigned long long>(found.identity));
  auto out = Napi::Object::New(env);
  const auto number = [&](Napi::Object& in, const char* name, std::uint64_t value) {
    in.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  out.Set("engine", found.engine);
  out.Set("identity", identity.data());
  number(out, "version", found.version);
  number(out, "epoch", found.epoch);
  number(out, "bytes", found.device_bytes);
  number(out, "blockBytes", found.layout.block_bytes);
  number(out, "segmentBytes", found.layout.segment_bytes);
  number(out, "segments", found.layout.segments);
  number(out, "freeSegments", found.free_segments);
  number(out, "directorySlots", found.layout.logs);
  number(out, "recoveredBatches", found.recovery.batches);
  number(out, "damagedPlaces", found.recovery.damaged);
  auto logs = Napi::Array::New(env, found.logs.size());
  for (std::uint32_t i = 0; i < found.logs.size(); ++i) {
    const Inspection::LogEntry& entry = found.logs[i];
    auto log = Napi::Object::New(env);
    log.Set("name", entry.name);
    number(log, "start", entry.start);
    number(log, "end", entry.end);
    number(log, "segments", entry.segments);
    logs.Set(i, log);
  }
  out.Set("logs", logs);
  return out;
}

class DeviceWork final : public Napi::AsyncWorker {
 public:
  using Body = std::function<bool(Inspection&, Failure&)>;

  // A promise of what is on the device. Rejects with an Error that has `errno`.
  static napi_value start(Napi::Env env, Body body) {
    auto* const work = new DeviceWork(env, std::move(body));  // its own: it is deleted when it has ended
    const Napi::Promise promise = work->deferred_.Promise();
    work->Queue();
    return promise;
  }

  void Execute() override {
    try {
      done_ = body_(found_, failure_);
    } catch (const std::bad_alloc&) {
      failure_ = {-ENOMEM, "out of memory"};
    } catch (const std::exception& error) {
      failure_ = {-EIO, error.what()};
    }
  }

  void OnOK() override {
    guarded(Env(), [&]() -> napi_value {
      if (done_) {
        deferred_.Resolve(object_of(Env(), found_));
      } else {
        auto error = Napi::Error::New(Env(), failure_.message);
        error.Set("errno", Napi::Number::New(Env(), failure_.error));
        deferred_.Reject(error.Value());
      }
      return nullptr;
    });
  }

 private:
  DeviceWork(Napi::Env env, Body body) : Napi::AsyncWorker(env), deferred_(env), body_(std::move(body)) {}

  Napi::Promise::Deferred deferred_;
  Body body_;
  Inspection found_;
  Failure failure_;
  bool done_ = false;
};

// format(device, logs, force)
napi_value format_call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Napi::CallbackInfo in(env, info);
    return DeviceWork::start(env, [name = demi::addon::text(in, 0), logs = demi::addon::uint(in, 1),
                                   force = demi::addon::flag(in, 2)](Inspection& out, Failure& failure) {
      return demi::spdk::format_device(name, logs, force, out, failure);
    });
  });
}

// inspect(device)
napi_value inspect_call(napi_env env, napi_callback_info info) {
  return guarded(env, [&] {
    const Napi::CallbackInfo in(env, info);
    return DeviceWork::start(env, [name = demi::addon::text(in, 0)](Inspection& out, Failure& failure) {
      return demi::spdk::inspect_device(name, out, failure);
    });
  });
}

}  // namespace

NAPI_MODULE_INIT() {
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value function = nullptr;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok)
      napi_set_named_property(env, exports, name, function);
  };
  add("format", format_call);
  add("inspect", inspect_call);
  return demi::addon::init(env, exports, spdk_module, demi::addon::open_call<spdk_module>);
}
