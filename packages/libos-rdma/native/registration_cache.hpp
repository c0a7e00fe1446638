// libfabric's cache of memory registrations is off.
//
// To hear of memory that is unmapped, the cache overwrites the beginnings of libc's mmap, munmap, mremap, madvise, shmat and brk when the
// first domain of provider verbs opens, and writes back what was there when the last one closes (prov/util/src/util_mem_hooks.c, "memhooks").
// Neither is atomic: another thread that runs such a function meanwhile executes half an instruction. The threads of V8 do so all the time,
// and Workers that open or end a libOS end the process with SIGSEGV. Memory is registered once here, so nothing is lost with the cache.
#pragma once

namespace demi::rdma {

// To be called before libfabric is first used, which reads its parameters then. Whoever set FI_MR_CACHE_MONITOR in the environment keeps it.
void disable_registration_cache();

}  // namespace demi::rdma
