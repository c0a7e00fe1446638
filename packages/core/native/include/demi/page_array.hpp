// The large tables of a libOS, on separate pages.
//
// What malloc gives for a table of some hundred kilobytes lies between things that live longer, and stays with the process when it
// is freed. These pages go back to the kernel when the table dies, and those never used never come from it.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace demi {

// `count` elements whose initial value is all zeros.
template <class T>
class PageArray {
  static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_copyable_v<T>);

 public:
  PageArray() = default;
  explicit PageArray(std::size_t count) : bytes_(std::max<std::size_t>(count, 1) * sizeof(T)), size_(count) {
    void* const pages =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    first_ = static_cast<T*>(pages);
  }
  ~PageArray() {
    if (first_ != nullptr) ::munmap(first_, bytes_);
  }
  PageArray(PageArray&& other) noexcept { swap(other); }
  PageArray& operator=(PageArray&& other) noexcept {
    swap(other);
    return *this;
  }

  T& operator[](std::size_t i) { return first_[i]; }
  const T& operator[](std::size_t i) const { return first_[i]; }
  T* data() { return first_; }
  const T* data() const { return first_; }
  std::size_t size() const { return size_; }

 private:
  void swap(PageArray& other) noexcept {
    std::swap(first_, other.first_);
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
  }

  T* first_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t size_ = 0;
};

}  // namespace demi
