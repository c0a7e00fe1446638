// The backend's options, as core hands them over: flat strings, checked by the package's TypeScript side and once more here.
#pragma once

#include <string>

#include "demi/config.hpp"
#include "fabric.hpp"

namespace demi::rdma {

struct Options {
  FabricOptions fabric;
  std::uint16_t credits = 16;
  std::uint32_t buffer = 4096;            // bytes of a posted receive
  std::uint32_t receives = 20480;         // of all connections
  std::uint32_t most_message = 1u << 20;  // bytes
};

// False and the option's name when one cannot be used.
bool read_options(const Config& config, Options& out, Failure& failure);

}  // namespace demi::rdma
