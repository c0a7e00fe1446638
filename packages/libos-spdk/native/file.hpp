// A file or a block device that is one device of logs: opened for this process alone.
#pragma once

#include <string>
#include <utility>

#include "block_device.hpp"

namespace demi::spdk {

class File {
 public:
  File() = default;
  ~File();
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), direct_(other.direct_), geometry_(other.geometry_) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    direct_ = other.direct_;
    geometry_ = other.geometry_;
    return *this;
  }

  // A file that is not there is made, of `size` bytes, all of which the file system keeps ready. EBUSY: somebody has it open as a device
  // of logs, or has a block device mounted.
  static bool open(const std::string& path, std::uint64_t size, File& out, Failure& failure);

  int fd() const { return fd_; }
  const Geometry& geometry() const { return geometry_; }
  // Of a file on ext4 or XFS, which say so (FS_IOC_FIEMAP): holes, and what it keeps ready and has not been given.
  std::vector<BlockDevice::Range> untouched() const;

 private:
  int fd_ = -1;
  bool direct_ = false;
  Geometry geometry_{};
};

}  // namespace demi::spdk
