// Closes what it holds.
#pragma once

#include <unistd.h>

#include <utility>

namespace demi::spdk::nvme {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool opened() const { return fd_ >= 0; }

 private:
  int fd_;
};

}  // namespace demi::spdk::nvme
