// Arguments of the native calls. What is missing or of the wrong type reads as 0, "" or false: core has checked them before.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace demi::addon {

inline std::int32_t integer(const Napi::CallbackInfo& in, std::size_t i) {
  return in[i].IsNumber() ? in[i].As<Napi::Number>().Int32Value() : 0;
}
inline std::int64_t integer64(const Napi::CallbackInfo& in, std::size_t i) {
  return in[i].IsNumber() ? in[i].As<Napi::Number>().Int64Value() : 0;
}
inline std::uint32_t uint(const Napi::CallbackInfo& in, std::size_t i) {
  return in[i].IsNumber() ? in[i].As<Napi::Number>().Uint32Value() : 0;
}
inline bool flag(const Napi::CallbackInfo& in, std::size_t i) {
  return in[i].IsBoolean() && in[i].As<Napi::Boolean>().Value();
}
inline std::string text(const Napi::CallbackInfo& in, std::size_t i) {
  return in[i].IsString() ? in[i].As<Napi::String>().Utf8Value() : std::string();
}
inline Napi::Value number(const Napi::CallbackInfo& in, double value) { return Napi::Number::New(in.Env(), value); }

}  // namespace demi::addon
