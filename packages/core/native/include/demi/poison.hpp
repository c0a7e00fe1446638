// Under AddressSanitizer a free slot is poisoned, so that the native tests catch whoever still reads or fills it.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define DEMI_POISON(address, bytes) __asan_poison_memory_region(address, bytes)
#define DEMI_UNPOISON(address, bytes) __asan_unpoison_memory_region(address, bytes)
#else
#define DEMI_POISON(address, bytes) ((void)(address), (void)(bytes))
#define DEMI_UNPOISON(address, bytes) ((void)(address), (void)(bytes))
#endif
