// What handles the process's signals stays as it was when the addon is loaded, and when a libOS is opened.
//
// libfabric brings libraries for other kinds of devices along, and the constructor of one (libinfinipath, of the provider psm) takes
// SIGSEGV, SIGBUS, SIGILL and SIGABRT to print a backtrace, and SIGTERM and SIGINT to end with status 1. libfabric itself takes SIGBUS and
// others when it is first used, for its provider shm, whichever is used. In Node.js SIGSEGV is what WebAssembly's bounds checks are made of:
// with a foreign handler an access out of bounds ends the process instead of throwing. And a process that is terminated ends by the
// signal, which tells those who wait for it that nothing failed.
#pragma once

#include <signal.h>

#include <array>

namespace demi::rdma {

// To be called when the addon and its libraries are loaded: puts back what was there before. Later calls do nothing.
void restore_signal_handlers();

// While there is one, libfabric may set handlers: with its end those that are libfabric's give way to what was there before. Others' are let
// alone, threads of the application may set them meanwhile.
class KeptSignalHandlers {
 public:
  KeptSignalHandlers();
  ~KeptSignalHandlers();
  KeptSignalHandlers(const KeptSignalHandlers&) = delete;
  KeptSignalHandlers& operator=(const KeptSignalHandlers&) = delete;

 private:
  static constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGTERM, SIGINT};
  std::array<struct sigaction, kSignals.size()> kept_{};
};

}  // namespace demi::rdma
