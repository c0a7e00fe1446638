// Anonymous memory that JavaScript may outlive the libOS in.
//
// ArrayBuffers over it are not detached when the libOS is destroyed: detaching makes every typed-array access of the whole
// isolate slower from then on (V8 gives up an optimisation), and a view that outlives its libOS must be harmless anyway. The
// pages are given back at once instead, and the addresses when the last ArrayBuffer is collected.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <utility>

namespace demi {

class Mapping {
 public:
  explicit Mapping(std::size_t bytes) : bytes_(bytes) {
    data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ == MAP_FAILED) throw std::bad_alloc();
    // Huge pages where the kernel gives them: a batch touches many slots, each on a different page.
    ::madvise(data_, bytes_, MADV_HUGEPAGE);
  }
  // Memory that somebody else made, such as a device's own; `release` gives it back.
  Mapping(void* data, std::size_t bytes, std::function<void()> release)
      : data_(data), bytes_(bytes), release_(std::move(release)) {}
  ~Mapping() {
    if (release_) {
      release_();
    } else {
      ::munmap(data_, bytes_);
    }
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  // Frees the pages; the addresses stay valid and read as zeros. A stray write from now on costs a small page, not a huge one.
  void discard() {
    if (release_) {
      std::memset(data_, 0, bytes_);
    } else {
      ::madvise(data_, bytes_, MADV_DONTNEED);
      ::madvise(data_, bytes_, MADV_NOHUGEPAGE);
    }
  }

 private:
  void* data_;
  std::size_t bytes_;
  std::function<void()> release_;
};

}  // namespace demi
