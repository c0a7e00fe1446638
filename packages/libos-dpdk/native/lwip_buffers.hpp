// Received memory on its way between the port, lwIP and the arena: a frame's receive buffer is a pbuf while lwIP has it, and an sga once
// its payload is a connection's. No byte is copied, except where receive buffers run short: whatever lwIP keeps (segments out of order,
// fragments) must not keep the device from receiving.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "demi/queue.hpp"
#include "lwip.hpp"
#include "port.hpp"

namespace demi::dpdk {

class LwipBuffers {
 public:
  // Bytes of frames copied out of receive buffers when these run short; frames beyond are dropped.
  static constexpr std::size_t kMostCopied = 16u << 20;

  LwipBuffers(Arena& arena, Port& port);
  ~LwipBuffers();
  LwipBuffers(const LwipBuffers&) = delete;
  LwipBuffers& operator=(const LwipBuffers&) = delete;

  // Before the frames of a burst are wrapped.
  void on_burst() {
    if (bursts_++ % kBurstsPerLook == 0) look_for_buffers();
  }
  // The frame as lwIP takes it in; its buffer is released when lwIP frees the pbuf. nullptr when the frame had to be dropped.
  pbuf* wrap(const Frame& frame);

  // Turns a received pbuf chain into sgas of one segment each: receive buffers as they are, anything else copied. They stay in place until
  // the next call. Nothing, with the chain still the caller's, when memory for the copies is short.
  std::optional<std::span<const Sga>> take(pbuf* chain);
  // The same as one sga of one segment; 0 when memory is short.
  Sga take_whole(pbuf* chain);

  struct Counters {
    std::uint64_t frames_copied = 0;   // to keep receive buffers free
    std::uint64_t frames_dropped = 0;  // no memory for that either
  };
  const Counters& counters() const { return counters_; }

 private:
  static constexpr std::uint32_t kBurstsPerLook = 8;  // at the free receive buffers: a burst takes 32 of at least 1024

  // What lwIP is told a received frame is. One per receive buffer.
  struct Buffer {
    pbuf_custom custom{};
    LwipBuffers* all = nullptr;
    std::uint32_t slot = 0;
  };
  // A frame outside the receive buffers: this, then its bytes.
  struct Copy {
    pbuf_custom custom;
    LwipBuffers* all;
    std::size_t bytes;
  };

  static void free_buffer(pbuf* buffer);
  static void free_copy(pbuf* buffer);
  void look_for_buffers();
  pbuf* copy_out(const Frame& frame);
  const Buffer* buffer_of(const pbuf* p) const;
  bool copy_chunks(const pbuf* chain);
  Sga adopt(std::uint32_t slot, const std::uint8_t* payload, std::uint32_t length);

  Arena& arena_;
  Port& port_;
  std::vector<Buffer> buffers_;
  bool short_of_buffers_ = false;
  std::uint32_t bursts_ = 0;
  std::size_t copied_ = 0;   // bytes of Copy
  std::vector<Sga> chunks_;  // what take() gives
  Counters counters_;
};

}  // namespace demi::dpdk
