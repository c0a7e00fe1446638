// The border between Node-API and C++: no exception crosses it, in neither direction.
//
// An environment can end at any moment, a Worker's by terminate(): from then on calls into it fail, also those that throw a JavaScript
// exception. node-addon-api answers a failed call with a C++ exception, and a throw that fails with another, which nobody catches. So
// every function that Node calls has guarded() around its body.
#pragma once

#include <napi.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>

#include "demi/failure.hpp"

namespace demi::addon {

// Throws a JavaScript Error with `errno`. In an environment that is ending nothing comes of it, and nobody is left to hear it.
inline void raise(napi_env env, int error, const std::string& message) noexcept {
  napi_value text = nullptr;
  napi_value number = nullptr;
  napi_value value = nullptr;
  if (napi_create_string_utf8(env, message.data(), message.size(), &text) != napi_ok) return;
  if (napi_create_error(env, nullptr, text, &value) != napi_ok) return;
  if (napi_create_int32(env, error, &number) != napi_ok) return;
  if (napi_set_named_property(env, value, "errno", number) != napi_ok) return;
  napi_throw(env, value);
}

// What `body` returns, or nullptr and, where the environment still takes one, a JavaScript exception.
template <class Body>
napi_value guarded(napi_env env, Body&& body) noexcept {
  try {
    try {
      return body();
    } catch (const Failure& failure) {
      raise(env, failure.error, failure.message);
    } catch (const Napi::Error& error) {
      napi_throw(env, error.Value());
    } catch (const std::bad_alloc&) {
      raise(env, -ENOMEM, "out of memory");
    } catch (const std::exception& error) {
      raise(env, -EIO, error.what());
    }
  } catch (...) {  // of handling the first one, in an environment that is ending
  }
  return nullptr;
}

}  // namespace demi::addon
