// The border between two addons: how a libOS whose network is in one .node file takes its storage engine from another.
//
// An addon exports, beside open(), its EngineModule as an external. Behind it both sides work on the same C++ objects, so both must have
// been compiled from the same headers: the build hash and the shape of what crosses say so. Each addon has its own copy of the C++
// library: no exception and no dynamic_cast crosses. What one side allocates the other may free, since both copies use the process's
// malloc.
#pragma once

#include <cstdint>
#include <memory>

#include "demi/config.hpp"
#include "demi/engine.hpp"
#include "demi/runtime.hpp"

// Made by CMake (demi.cmake) over core's headers and sources.
#ifndef DEMI_BUILD_HASH
#define DEMI_BUILD_HASH "unknown"
#endif

namespace demi::addon {

// Opens the backend's device. nullptr and why on failure.
using OpenDevice = std::unique_ptr<Device> (*)(const Config&, Failure&);

// What the hash over the sources cannot see: the compiler's choices.
constexpr std::uint64_t shape() {
  std::uint64_t mixed = 14695981039346656037ull;  // FNV-1a
  for (const std::uint64_t part :
       {sizeof(Runtime), sizeof(Arena), sizeof(CompletionRing), sizeof(EngineSet), sizeof(Op), sizeof(Queue),
        sizeof(Engine), sizeof(Device), sizeof(Limits), sizeof(Config), sizeof(Address), sizeof(Failure),
        sizeof(StatSink), static_cast<std::size_t>(_GLIBCXX_USE_CXX11_ABI),
        static_cast<std::size_t>(__GXX_ABI_VERSION)}) {
    mixed = (mixed ^ part) * 1099511628211ull;
  }
  return mixed;
}

struct EngineModule {
  static constexpr std::uint32_t kMagic = 0x44454d45;  // "DEME"

  // These five never move: they are read before anything else is believed.
  std::uint32_t magic = kMagic;
  std::uint32_t size = sizeof(EngineModule);
  std::uint64_t shape = addon::shape();
  const char* build = DEMI_BUILD_HASH;
  const char* name = nullptr;  // the addon's

  OpenDevice open = nullptr;
};

}  // namespace demi::addon
