// The blocks are written here and not by librte_pcapng: that library is experimental, copies every frame into an mbuf of a pool made for
// it, lists whichever ports the process has at that moment, and leaves a short write as a damaged block in the middle of the file.
//
// Format: draft-ietf-opsawg-pcapng, in this machine's byte order as the format allows.
#include "capture.hpp"

#include <fcntl.h>
#include <rte_mbuf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace demi::dpdk {

namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterface = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint16_t kEthernet = 1;

// Option codes; their meaning depends on the block.
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kTimestampResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::uint32_t kSnapLength = 65535;
constexpr std::size_t kMaxName = 255;
// A packet block without its data: 7 words, an option of 2 words, the end of options, the length again.
constexpr std::size_t kPacketOverhead = 11 * 4;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 3) & ~std::size_t{3}; }

constexpr std::uint32_t option(std::uint16_t code, std::size_t length) {
  if constexpr (std::endian::native == std::endian::little) {
    return static_cast<std::uint32_t>(code | (length << 16));
  }
  return static_cast<std::uint32_t>((std::uint32_t{code} << 16) | length);
}

std::uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

std::unique_ptr<Capture> Capture::open(const std::string& path, std::string_view port, std::string& error) {
  // Not blocking matters for a FIFO, where opening would wait for a reader and writing for a slow one.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644);
  if (fd < 0) {
    const int reason = errno;
    error = "the capture file " + path +
            " cannot be written: " + (reason == ENXIO ? "nobody reads this FIFO" : std::string(std::strerror(reason)));
    return nullptr;
  }
  struct stat status {};
  const bool regular_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  std::unique_ptr<Capture> capture(new Capture(fd, regular_file));
  capture->write_headers(port);
  capture->flush();
  if (capture->counters_.errors != 0) {
    error = "the capture file " + path + " cannot be written: " + std::strerror(errno);
    return nullptr;
  }
  return capture;
}

Capture::Capture(int fd, bool regular_file) : fd_(fd), regular_file_(regular_file), buffer_(kBufferBytes) {}

Capture::~Capture() {
  flush();
  // A FIFO that took a part: a block cut short at the end, as when its writer is killed. Readers cope.
  ::close(fd_);
}

void Capture::write_headers(std::string_view port) {
  put32(kSectionHeader);
  put32(28);
  put32(kByteOrder);
  put32(option(1, 0));  // version 1.0
  put32(UINT32_MAX);    // the length of the section is not known
  put32(UINT32_MAX);
  put32(28);

  const std::string_view name = port.substr(0, kMaxName);
  const auto length = static_cast<std::uint32_t>(5 * 4 + (4 + padded(name.size())) + (4 + 4) + 4);
  put32(kInterface);
  put32(length);
  put32(option(kEthernet, 0));
  put32(kSnapLength);
  put32(option(kInterfaceName, name.size()));
  put(name.data(), name.size());
  pad(name.size());
  put32(option(kTimestampResolution, 1));
  const std::uint8_t nanoseconds[4] = {9, 0, 0, 0};
  put(nanoseconds, sizeof nanoseconds);
  put32(0);
  put32(length);
}

void Capture::add(const rte_mbuf* const* frames, std::uint16_t count, Direction direction) {
  if (count == 0) return;
  const std::uint64_t time = now();
  for (std::uint16_t i = 0; i < count; ++i) append(*frames[i], time, direction);
}

void Capture::append(const rte_mbuf& frame, std::uint64_t nanoseconds, Direction direction) {
  if (counters_.errors != 0) {
    ++counters_.dropped;
    return;
  }
  const std::uint32_t captured = std::min(frame.pkt_len, kSnapLength);
  const auto block = static_cast<std::uint32_t>(kPacketOverhead + padded(captured));
  if (!make_room(block)) {
    ++counters_.dropped;
    return;
  }
  put32(kEnhancedPacket);
  put32(block);
  put32(0);  // the only interface
  put32(static_cast<std::uint32_t>(nanoseconds >> 32));
  put32(static_cast<std::uint32_t>(nanoseconds));
  put32(captured);
  put32(frame.pkt_len);
  std::uint32_t left = captured;
  for (const rte_mbuf* segment = &frame; segment != nullptr && left > 0; segment = segment->next) {
    const std::uint32_t part = std::min<std::uint32_t>(left, segment->data_len);
    put(rte_pktmbuf_mtod(segment, const void*), part);
    left -= part;
  }
  // pkt_len of a damaged chain may promise more than its segments hold.
  std::memset(buffer_.data() + used_, 0, left);
  used_ += left;
  pad(captured);
  put32(option(kPacketFlags, 4));
  put32(direction);
  put32(0);
  put32(block);
  ++counters_.frames;
}

bool Capture::make_room(std::size_t bytes) {
  if (buffer_.size() - used_ < bytes) flush();
  return counters_.errors == 0 && buffer_.size() - used_ >= bytes;
}

void Capture::flush() {
  std::size_t done = 0;
  while (done < used_) {
    const ssize_t wrote = ::write(fd_, buffer_.data() + done, used_ - done);
    if (wrote > 0) {
      done += static_cast<std::size_t>(wrote);
    } else if (wrote < 0 && errno == EAGAIN) {
      break;  // the reader of a FIFO is behind
    } else if (wrote == 0 || errno != EINTR) {
      return fail(done);
    }
  }
  forget(done);
}

void Capture::forget(std::size_t bytes) {
  std::size_t block = begun_;
  while (block < bytes) block += block_word(block + 4);
  begun_ = block - bytes;
  file_bytes_ += bytes;
  std::memmove(buffer_.data(), buffer_.data() + bytes, used_ - bytes);
  used_ -= bytes;
}

// What is in the file stays readable to its end: a block that went in half is taken out again.
void Capture::fail(std::size_t written) {
  const int reason = errno;
  counters_.errors = 1;
  std::size_t whole = 0;
  for (std::size_t block = begun_; block < used_; block += block_word(block + 4)) {
    if (block <= written) whole = block;
    if (block + block_word(block + 4) <= written || block_word(block) != kEnhancedPacket) continue;
    --counters_.frames;
    ++counters_.dropped;
  }
  // Where it cannot be shortened, readers report a file cut short and show what precedes that.
  if (regular_file_ && ::ftruncate(fd_, static_cast<off_t>(file_bytes_ + whole)) != 0) whole = written;
  file_bytes_ += whole;
  used_ = 0;
  begun_ = 0;
  errno = reason;
}

std::uint32_t Capture::block_word(std::size_t at) const {
  std::uint32_t value = 0;
  std::memcpy(&value, buffer_.data() + at, sizeof value);
  return value;
}

void Capture::put(const void* bytes, std::size_t count) {
  std::memcpy(buffer_.data() + used_, bytes, count);
  used_ += count;
}

void Capture::pad(std::size_t bytes) {
  const std::size_t padding = padded(bytes) - bytes;
  std::memset(buffer_.data() + used_, 0, padding);
  used_ += padding;
}

}  // namespace demi::dpdk
