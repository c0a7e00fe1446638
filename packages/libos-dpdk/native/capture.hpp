// A pcapng file of the frames a port received and sent, as Wireshark and tcpdump read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct rte_mbuf;

namespace demi::dpdk {

struct CaptureCounters {
  std::uint64_t frames = 0;   // handed to the file
  std::uint64_t dropped = 0;  // not captured: the reader of a FIFO is behind, or writing failed before
  std::uint64_t errors = 0;   // 1 once writing failed; nothing is captured after that
};

// Frames are copied into a buffer of fixed size, which is written when it is full, from flush() and at the end. The port never waits for
// a reader and never notices a full disk: what cannot be written is dropped and counted.
class Capture {
 public:
  // Makes the file anew; `path` may be a FIFO that somebody reads. `port` is what the file calls the interface. Where it fails: nullptr,
  // and a sentence in `error`.
  static std::unique_ptr<Capture> open(const std::string& path, std::string_view port, std::string& error);

  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  void on_received(const rte_mbuf* const* frames, std::uint16_t count) { add(frames, count, kInbound); }
  // Before the frames are handed to the port, which frees them, and not again for those it did not take.
  void on_sent(const rte_mbuf* const* frames, std::uint16_t count) { add(frames, count, kOutbound); }

  // Hands what is buffered to the kernel. A few times a second is enough for somebody who watches.
  void flush();

  const CaptureCounters& counters() const { return counters_; }

 private:
  // The values of the direction in epb_flags.
  enum Direction : std::uint32_t { kInbound = 1, kOutbound = 2 };

  Capture(int fd, bool regular_file);

  void write_headers(std::string_view port);
  void add(const rte_mbuf* const* frames, std::uint16_t count, Direction direction);
  void append(const rte_mbuf& frame, std::uint64_t nanoseconds, Direction direction);
  bool make_room(std::size_t bytes);
  std::uint32_t block_word(std::size_t at) const;
  void forget(std::size_t bytes);
  void fail(std::size_t written);

  void put(const void* bytes, std::size_t count);
  void put32(std::uint32_t value) { put(&value, sizeof value); }
  void pad(std::size_t bytes);

  int fd_;
  bool regular_file_;  // the end of it can be cut off when writing fails inside a block
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  std::size_t begun_ = 0;  // of those, at the front: the rest of a block whose beginning is written
  std::uint64_t file_bytes_ = 0;
  CaptureCounters counters_;
};

}  // namespace demi::dpdk
