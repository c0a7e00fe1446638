// What handles the process's signals stays as it was when the addon is loaded.
//
// libfabric brings libraries for other kinds of devices along, and the constructor of one (libinfinipath, of the provider psm) takes
// SIGSEGV, SIGBUS, SIGILL and SIGABRT for a backtrace of its own. In Node.js SIGSEGV is what WebAssembly's bounds checks are made of: with
// a foreign handler an access out of bounds ends the process instead of throwing.
#pragma once

namespace demi::rdma {

// To be called when the addon and its libraries are loaded: puts back what was there before. Later calls do nothing.
void restore_signal_handlers();

}  // namespace demi::rdma
