#include "signal_handlers.hpp"

#include <dlfcn.h>
#include <rdma/fabric.h>

#include <atomic>
#include <cstddef>

namespace demi::rdma {

namespace {

// Those that report a fault of the program, and those that end it.
constexpr std::array kTaken{SIGSEGV, SIGBUS, SIGILL, SIGABRT, SIGFPE, SIGTERM, SIGINT};

struct sigaction kept[kTaken.size()];
std::atomic<bool> are_kept = false;

// The addon is linked with -z initfirst: this runs before the constructors of the libraries that are loaded with it.
__attribute__((constructor)) void keep_signal_handlers() {
  bool all = true;
  for (std::size_t i = 0; i < kTaken.size(); ++i) all = ::sigaction(kTaken[i], nullptr, &kept[i]) == 0 && all;
  are_kept = all;
}

// Where the shared object begins that has the function.
template <typename Function>
const void* object_of(Function* function) {
  Dl_info found{};
  return ::dladdr(reinterpret_cast<const void*>(function), &found) != 0 ? found.dli_fbase : nullptr;
}

}  // namespace

void restore_signal_handlers() {
  // Once: the addon is loaded once, and whoever sets a handler afterwards means it.
  if (!are_kept.exchange(false)) return;
  for (std::size_t i = 0; i < kTaken.size(); ++i) ::sigaction(kTaken[i], &kept[i], nullptr);
}

KeptSignalHandlers::KeptSignalHandlers() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], nullptr, &kept_[i]);
}

KeptSignalHandlers::~KeptSignalHandlers() {
  const void* const libfabric = object_of(&fi_getinfo);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction now;
    if (::sigaction(kSignals[i], nullptr, &now) != 0 || now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)
      continue;
    if (libfabric != nullptr && object_of(now.sa_handler) == libfabric) ::sigaction(kSignals[i], &kept_[i], nullptr);
  }
}

}  // namespace demi::rdma
