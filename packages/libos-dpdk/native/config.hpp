// The backend's options, as core hands them over: flat strings, checked by the package's TypeScript side and once more here.
#pragma once

#include <string>

#include "demi/config.hpp"
#include "eal.hpp"
#include "net_stack.hpp"
#include "port.hpp"

namespace demi::dpdk {

struct Options {
  EalOptions eal;
  PortOptions port;
  StackOptions stack;
  std::uint32_t receive_buffers = 8192;
};

// False and the option's name when one cannot be used.
bool read_options(const Config& config, Options& out, Failure& failure);

}  // namespace demi::dpdk
