// The addon: interpreters as JavaScript has them. How the two sides speak is in host.hpp and src/scripting/.
#include <napi.h>

#include <memory>
#include <string>

#include "sha1.hpp"
#include "state.hpp"

namespace demi::script {
namespace {

// JavaScript's side: a function that is called, and the memory that it has given.
class NodeHost final : public Host {
 public:
  NodeHost(Napi::Env env, Napi::Function answer, Napi::Int32Array words)
      : env_(env), answer_(Napi::Persistent(answer)), words_(Napi::Persistent(words)) {
    control = words.Data();
  }

  bool ask(Operation operation) override {
    control[OPERATION] = static_cast<std::int32_t>(operation);
    control[ANSWER] = 0;
    napi_handle_scope scope;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return false;
    napi_value receiver, result;
    napi_get_undefined(env_, &receiver);
    const napi_status status = napi_call_function(env_, receiver, answer_.Value(), 0, nullptr, &result);
    // It throws where there is no memory; what else it throws it keeps, and throws when the script is over.
    if (status == napi_pending_exception) napi_get_and_clear_last_exception(env_, &result);
    napi_close_handle_scope(env_, scope);
    return status == napi_ok;
  }

  // Memory for a piece, in the place of what it was.
  void give(std::uint32_t which, Napi::Uint8Array bytes) {
    const Piece given{bytes.Data(), bytes.ByteLength()};
    switch (which) {
      case 0:
        table = given;
        break;
      case 1:
        this->bytes = given;
        break;
      case 2:
        out = given;
        break;
      default:
        reply = given;
        which = 3;
    }
    pieces_[which] = Napi::Persistent(bytes);
  }

 private:
  const Napi::Env env_;
  Napi::FunctionReference answer_;
  Napi::Reference<Napi::Int32Array> words_;
  Napi::Reference<Napi::Uint8Array> pieces_[4];
};

class Interpreter : public Napi::ObjectWrap<Interpreter> {
 public:
  // (answer, control words, whether for functions, bytes of memory)
  explicit Interpreter(const Napi::CallbackInfo& info)
      : ObjectWrap(info),
        host_(info.Env(), info[0].As<Napi::Function>(), info[1].As<Napi::Int32Array>()),
        state_(host_, info[2].ToBoolean(), static_cast<std::size_t>(info[3].ToNumber().DoubleValue())) {
    if (!state_.is_open()) throw Napi::Error::New(info.Env(), "no memory for an interpreter");
    // Called for each script: by itself, without what node-addon-api does around a method.
    napi_value run;
    napi_create_function(info.Env(), "run", NAPI_AUTO_LENGTH, &Interpreter::run, &state_, &run);
    info.This().As<Napi::Object>().Set("run", Napi::Value(info.Env(), run));
  }

  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Interpreter",
        {InstanceMethod<&Interpreter::give>("give"), InstanceMethod<&Interpreter::compile>("compile"),
         InstanceMethod<&Interpreter::release>("release"), InstanceMethod<&Interpreter::load>("load"),
         InstanceMethod<&Interpreter::memory>("memory"), InstanceMethod<&Interpreter::running_for>("runningFor")});
  }

 private:
  static napi_value run(napi_env env, napi_callback_info info) {
    void* state;
    if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &state) == napi_ok) static_cast<State*>(state)->run();
    return nullptr;
  }

  Napi::Value give(const Napi::CallbackInfo& info) {
    host_.give(info[0].ToNumber().Uint32Value(), info[1].As<Napi::Uint8Array>());
    return info.Env().Undefined();
  }

  // (source, name): its number, or why it is none.
  Napi::Value compile(const Napi::CallbackInfo& info) {
    const auto source = info[0].As<Napi::Uint8Array>();
    std::string error;
    const int reference = state_.compile(reinterpret_cast<const char*>(source.Data()), source.ByteLength(),
                                         "@user_script", info[1].ToString().Utf8Value(), error);
    return reference < 0 ? latin1(info.Env(), error) : Napi::Number::New(info.Env(), reference);
  }

  Napi::Value release(const Napi::CallbackInfo& info) {
    state_.release(info[0].ToNumber().Int32Value());
    return info.Env().Undefined();
  }

  // (source, milliseconds): the functions, or why there are none.
  Napi::Value load(const Napi::CallbackInfo& info) {
    const auto source = info[0].As<Napi::Uint8Array>();
    std::string error;
    if (!state_.load(reinterpret_cast<const char*>(source.Data()), source.ByteLength(), info[1].ToNumber().Int64Value(),
                     error))
      return latin1(info.Env(), error);
    auto all = Napi::Array::New(info.Env());
    for (const Registered& one : state_.registered) {
      auto made = Napi::Object::New(info.Env());
      made.Set("name", latin1(info.Env(), one.name));
      if (one.has_description) made.Set("description", latin1(info.Env(), one.description));
      made.Set("flags", one.flags);
      made.Set("reference", one.reference);
      all.Set(all.Length(), made);
    }
    return all;
  }

  Napi::Value memory(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(state_.memory()));
  }

  Napi::Value running_for(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(state_.running_for()));
  }

  // A character for each byte.
  static Napi::Value latin1(Napi::Env env, const std::string& text) {
    napi_value made;
    if (napi_create_string_latin1(env, text.data(), text.size(), &made) != napi_ok)
      throw Napi::Error::New(env, "no memory for a text");
    return Napi::Value(env, made);
  }

  NodeHost host_;
  State state_;
};

Napi::Value sha1(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  char digest[41];
  sha1_hex(bytes.Data(), bytes.ByteLength(), digest);
  return Napi::String::New(info.Env(), digest, 40);
}

Napi::Object open(Napi::Env env, Napi::Object exports) {
  exports.Set("Interpreter", Interpreter::define(env));
  exports.Set("sha1", Napi::Function::New(env, sha1, "sha1"));
  return exports;
}

}  // namespace
}  // namespace demi::script

static Napi::Object open_addon(Napi::Env env, Napi::Object exports) { return demi::script::open(env, exports); }
NODE_API_MODULE(demi_redis_lua, open_addon)
