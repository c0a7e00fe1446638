// What lwIP leaves to the system it runs on (its sys.h and mem.h), for a stack that one thread polls. Debian's library brings versions for
// many threads: a mutex around each reference count, the C library's allocator for each of a segment's parts, a system clock for each poll. The definitions here take
// their place when the addon is loaded, as the dynamic linker asks the addon first; where something has loaded lwIP before, the library's
// own stay in use and all works as well, slower.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#include "lwip.hpp"
#include "port.hpp"

namespace demi::dpdk {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeepBlocks = false;  // who uses freed memory is to be found
#else
constexpr bool kKeepBlocks = true;
#endif

// Blocks that lwIP freed, by size, for its next allocations: connections, segments, packets. One thread at a time.
class Blocks {
 public:
  void* get(std::size_t bytes) noexcept {
    const std::size_t n = class_of(bytes);
    if (n < kClasses && free_[n] != nullptr) {
      Block* const block = free_[n];
      free_[n] = block->next;
      kept_ -= (n + 1) * kStep;
      return block + 1;
    }
    // Beyond the largest class: the C library's, and its to take back.
    auto* const block = static_cast<Block*>(std::malloc(sizeof(Block) + (n < kClasses ? (n + 1) * kStep : bytes)));
    if (block == nullptr) return nullptr;
    block->size_class = n;
    return block + 1;
  }

  void put(void* memory) noexcept {
    if (memory == nullptr) return;
    Block* const block = static_cast<Block*>(memory) - 1;
    const std::size_t n = block->size_class;
    if (!kKeepBlocks || n >= kClasses || kept_ >= kMostKept) return std::free(block);
    kept_ += (n + 1) * kStep;
    block->next = free_[n];
    free_[n] = block;
  }

 private:
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 32;
  static constexpr std::size_t kMostKept = 8u << 20;
  struct alignas(std::max_align_t) Block {
    std::size_t size_class;
    Block* next;  // while it is free
  };

  static std::size_t class_of(std::size_t bytes) { return bytes == 0 ? 0 : (bytes - 1) / kStep; }

  std::array<Block*, kClasses> free_{};
  std::size_t kept_ = 0;
};

Blocks blocks;

// Milliseconds. Every poll asks, so the system's clock is read only after half of one by the processor's.
class Milliseconds {
 public:
  std::uint32_t now() {
    const std::uint64_t cycles = Port::cycles();
    if (cycles - read_at_ >= per_read_) {
      read_at_ = cycles;
      const auto time = std::chrono::steady_clock::now().time_since_epoch();
      now_ = static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
    }
    return now_;
  }

 private:
  const std::uint64_t per_read_ = Port::cycles_per_second() / 2000;
  std::uint64_t read_at_ = 0;
  std::uint32_t now_ = 0;
};

std::uint32_t milliseconds() {
  static Milliseconds clock;
  return clock.now();
}

}  // namespace

}  // namespace demi::dpdk

#pragma GCC visibility push(default)
extern "C" {

// Nobody else: the stack is polled by the thread whose libOS it is, and libOSes follow each other.
sys_prot_t sys_arch_protect() { return 0; }
void sys_arch_unprotect(sys_prot_t) {}
void sys_check_core_locking() {}

// Weak: a test may replace the clock.
[[gnu::weak]] u32_t sys_now() { return demi::dpdk::milliseconds(); }

void* mem_malloc(mem_size_t size) { return demi::dpdk::blocks.get(size); }
void* mem_calloc(mem_size_t count, mem_size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(std::size_t{count}, std::size_t{size}, &bytes)) return nullptr;
  void* const memory = mem_malloc(bytes);
  return memory == nullptr ? nullptr : std::memset(memory, 0, bytes);
}
void* mem_trim(void* memory, mem_size_t) { return memory; }
void mem_free(void* memory) { demi::dpdk::blocks.put(memory); }

}  // extern "C"
#pragma GCC visibility pop
