#include "file.hpp"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

namespace demi::spdk {

namespace {

constexpr std::uint32_t kMostTransfer = 1u << 20;
constexpr std::uint32_t kMostPieces = 256;
constexpr std::uint32_t kExtentsAtOnce = 64;

bool refuse(Failure& failure, int error, const std::string& path, const char* what) {
  failure.error = error;
  failure.message = path + ": " + what + ": " + std::strerror(-error);
  return false;
}

// A process that was killed lets go of its files a moment after it is gone: the kernel ends its io_uring later.
bool lock(int fd) {
  constexpr timespec kPause{0, 10'000'000};
  for (int tries = 0; tries < 100; ++tries) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK) return false;
    ::nanosleep(&kPause, nullptr);
  }
  errno = EBUSY;
  return false;
}

// The smallest blocks that O_DIRECT reads: asked of the file itself, for file systems tell late kernels only (statx, Linux 6.1).
std::uint32_t direct_block(int fd) {
  alignas(4096) std::uint8_t memory[8192];
  for (const std::uint32_t bytes : {512u, 4096u}) {
    if (::pread(fd, memory + bytes, bytes, bytes) >= 0) return bytes;
  }
  return 0;
}

}  // namespace

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

bool File::open(const std::string& path, std::uint64_t size, File& out, Failure& failure) {
  struct stat status {};
  bool made = false;
  const bool is_block = ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
  // A block device is claimed against mounts; a file is not there before.
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (is_block ? O_EXCL : 0));
  if (fd < 0 && errno == ENOENT) {
    fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
    made = fd >= 0;
  }
  if (fd < 0) return refuse(failure, -errno, path, "cannot be opened");
  File file;
  file.fd_ = fd;
  if (!lock(fd)) {
    failure.error = -errno;
    failure.message = path + (errno == EBUSY ? ": another libOS has it open" : ": cannot be locked");
    return false;
  }
  if (::fstat(fd, &status) != 0) return refuse(failure, -errno, path, "fstat");
  std::uint64_t bytes = 0;
  std::uint32_t block = 0;
  if (S_ISBLK(status.st_mode)) {
    int sector = 0;
    if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0 || ::ioctl(fd, BLKSSZGET, &sector) != 0)
      return refuse(failure, -errno, path, "its size");
    block = static_cast<std::uint32_t>(sector);
  } else if (!S_ISREG(status.st_mode)) {
    return refuse(failure, -EINVAL, path, "neither a file nor a block device");
  } else if (status.st_size == 0) {
    if (const int error = ::posix_fallocate(fd, 0, static_cast<off_t>(size)); error != 0) {
      if (made) ::unlink(path.c_str());
      return refuse(failure, -error, path, "no room for a file of its size");
    }
    bytes = size;
  } else {
    bytes = static_cast<std::uint64_t>(status.st_size);
  }
  // Some file systems have no direct transfers (tmpfs): the page cache does, and a flush is fdatasync either way.
  const int flags = ::fcntl(fd, F_GETFL);
  file.direct_ = ::fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
  if (file.direct_ && block == 0) block = direct_block(fd);
  if (block == 0) {
    if (file.direct_) ::fcntl(fd, F_SETFL, flags);
    file.direct_ = false;
    block = 512;
  }
  if (block > 4096) return refuse(failure, -EINVAL, path, "its blocks are larger than 4096 bytes");
  file.geometry_ = {block, bytes / block, block, kMostTransfer, kMostPieces};
  out = std::move(file);
  return true;
}

std::vector<BlockDevice::Range> File::untouched() const {
  std::vector<BlockDevice::Range> ranges;
  struct stat status {};
  struct statfs system {};
  if (!direct_ || ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode) || ::fstatfs(fd_, &system) != 0) return ranges;
  // A file system that writes elsewhere each time has nothing ready where it was written before.
  if (system.f_type != EXT4_SUPER_MAGIC && system.f_type != XFS_SUPER_MAGIC) return ranges;
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const auto add = [&](std::uint64_t begin, std::uint64_t end) {
    end = std::min(end, bytes);
    if (begin >= end) return;
    if (!ranges.empty() && ranges.back().end == begin)
      ranges.back().end = end;
    else
      ranges.push_back({begin, end});
  };
  alignas(fiemap) std::uint8_t memory[sizeof(fiemap) + kExtentsAtOnce * sizeof(fiemap_extent)];
  std::uint64_t at = 0;
  for (bool last = false; at < bytes && !last;) {
    auto* const map = new (memory) fiemap{};
    map->fm_start = at;
    map->fm_length = bytes - at;
    map->fm_flags = FIEMAP_FLAG_SYNC;
    map->fm_extent_count = kExtentsAtOnce;
    if (::ioctl(fd_, FS_IOC_FIEMAP, map) != 0) return {};
    if (map->fm_mapped_extents == 0) break;
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
      const fiemap_extent& extent = map->fm_extents[i];
      if (extent.fe_length == 0) return {};
      add(at, extent.fe_logical);
      at = extent.fe_logical + extent.fe_length;
      if ((extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0) add(extent.fe_logical, at);
      last = last || (extent.fe_flags & FIEMAP_EXTENT_LAST) != 0;
    }
  }
  add(at, bytes);
  return ranges;
}

}  // namespace demi::spdk
