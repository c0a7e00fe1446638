// An arena to decode into, and what tests read back from it.
#pragma once

#include "demi/net/dmtr_codec.hpp"
#include "wire.hpp"

namespace demi::test {

struct ArenaFixture {
  std::vector<SizeClass> classes{{64, 40}, {4096, 8}};
  Limits limits{.classes = classes};
  std::vector<std::int32_t> shared = std::vector<std::int32_t>(limits.slots() * layout::kSlotWords);
  Arena arena{limits, shared.data()};

  Message segments(Sga sga) const {
    Message out;
    arena.for_each_segment(sga, [&](std::span<std::uint8_t> s) { out.emplace_back(s.begin(), s.end()); });
    return out;
  }
  Sga make(const Message& message) {
    std::vector<std::uint32_t> sizes;
    for (const auto& s : message) sizes.push_back(static_cast<std::uint32_t>(s.size()));
    const Sga sga = arena.alloc_chain(sizes);
    std::size_t i = 0;
    arena.for_each_segment(sga, [&](std::span<std::uint8_t> s) {
      std::copy(message[i].begin(), message[i].end(), s.begin());
      ++i;
    });
    return sga;
  }
  // All the bytes that the iovecs of encode() name, after `skip`.
  Bytes encode(Sga sga, std::uint64_t skip = 0) const {
    dmtr::FramingBytes framing;
    iovec iov[dmtr::kMaxIovecs];
    const int n = dmtr::encode(arena, sga, skip, framing, iov);
    Bytes out;
    for (int i = 0; i < n; ++i) {
      const auto* data = static_cast<const std::uint8_t*>(iov[i].iov_base);
      out.insert(out.end(), data, data + iov[i].iov_len);
    }
    return out;
  }
};

}  // namespace demi::test
