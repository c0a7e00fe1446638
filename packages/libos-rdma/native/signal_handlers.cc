#include "signal_handlers.hpp"

#include <signal.h>

#include <array>
#include <atomic>

namespace demi::rdma {

namespace {

// Those that report a fault of the program.
constexpr std::array kFaults{SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE};

struct sigaction kept[kFaults.size()];
std::atomic<bool> are_kept = false;

// The addon is linked with -z initfirst: this runs before the constructors of the libraries that are loaded with it.
__attribute__((constructor)) void keep_signal_handlers() {
  bool all = true;
  for (std::size_t i = 0; i < kFaults.size(); ++i) all = ::sigaction(kFaults[i], nullptr, &kept[i]) == 0 && all;
  are_kept = all;
}

}  // namespace

void restore_signal_handlers() {
  // Once: the addon is loaded once, and whoever sets a handler afterwards means it.
  if (!are_kept.exchange(false)) return;
  for (std::size_t i = 0; i < kFaults.size(); ++i) ::sigaction(kFaults[i], &kept[i], nullptr);
}

}  // namespace demi::rdma
