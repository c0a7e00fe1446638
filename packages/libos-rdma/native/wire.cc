#include "wire.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace demi::rdma {

namespace {

constexpr std::array<std::uint8_t, 4> kHandshakeMagic{'D', 'e', 'm', 'i'};

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

template <typename T>
void put(std::uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <typename T>
T get(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace

// 0 magic, 4 version, 5 zero, 6 credits, 8 buffer, 12 largest message
std::array<std::uint8_t, Handshake::kBytes> Handshake::encode() const {
  std::array<std::uint8_t, kBytes> out{};
  std::copy(kHandshakeMagic.begin(), kHandshakeMagic.end(), out.begin());
  out[4] = kVersion;
  put(&out[6], credits);
  put(&out[8], buffer);
  put(&out[12], most_message);
  return out;
}

std::optional<Handshake> Handshake::decode(std::span<const std::uint8_t> bytes) {
  // A fabric may pad private data.
  if (bytes.size() < kBytes || !std::equal(kHandshakeMagic.begin(), kHandshakeMagic.end(), bytes.begin()))
    return std::nullopt;
  if (bytes[4] != kVersion || bytes[5] != 0) return std::nullopt;
  Handshake out;
  out.credits = get<std::uint16_t>(&bytes[6]);
  out.buffer = get<std::uint32_t>(&bytes[8]);
  out.most_message = get<std::uint32_t>(&bytes[12]);
  if (out.credits == 0 || out.credits > kMostCredits) return std::nullopt;
  if (out.buffer < kLeastBuffer || out.buffer > kMostBuffer || out.most_message == 0) return std::nullopt;
  return out;
}

// 0 kind, 1 more, 2 credits, 4 message, 8 offset, 12 zero
void Header::encode(std::uint8_t* to) const {
  to[0] = static_cast<std::uint8_t>(kind);
  to[1] = more ? 1 : 0;
  put(to + 2, credits);
  put(to + 4, message);
  put(to + 8, offset);
  put(to + 12, std::uint32_t{0});
}

std::optional<Header> Header::decode(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kBytes || bytes[1] > 1 || get<std::uint32_t>(&bytes[12]) != 0) return std::nullopt;
  Header out;
  out.kind = static_cast<Kind>(bytes[0]);
  out.more = bytes[1] == 1;
  out.credits = get<std::uint16_t>(&bytes[2]);
  out.message = get<std::uint32_t>(&bytes[4]);
  out.offset = get<std::uint32_t>(&bytes[8]);
  const std::size_t payload = bytes.size() - kBytes;
  switch (out.kind) {
    case Kind::kData: {
      const std::uint64_t end = std::uint64_t{out.offset} + payload;
      if (payload == 0 || end > out.message || out.more != (end < out.message)) return std::nullopt;
      return out;
    }
    case Kind::kCredit:
      if (out.credits == 0) return std::nullopt;
      [[fallthrough]];
    case Kind::kEnd:
    case Kind::kShut:
      if (payload != 0 || out.more || out.message != 0 || out.offset != 0) return std::nullopt;
      return out;
  }
  return std::nullopt;
}

}  // namespace demi::rdma
