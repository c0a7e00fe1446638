// What two libOSes say to each other over a reliable connection: a handshake in the private data of connecting and accepting, and a header
// before each message. docs/rdma-wire-format.md is the specification. All numbers are little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace demi::rdma {

// Verbs carries 56 bytes of private data with a request, less what libfabric adds (RDMA CM, rdma_connect(3)).
struct Handshake {
  static constexpr std::size_t kBytes = 16;
  static constexpr std::uint8_t kVersion = 1;
  static constexpr std::uint32_t kLeastBuffer = 64;
  static constexpr std::uint32_t kMostBuffer = 1u << 20;
  static constexpr std::uint32_t kMostCredits = 4096;

  std::uint16_t credits = 0;       // messages the other side may send before the first credit comes back
  std::uint32_t buffer = 0;        // bytes of each receive that is posted: header and payload of one fragment
  std::uint32_t most_message = 0;  // bytes of the largest message taken

  std::array<std::uint8_t, kBytes> encode() const;
  // Nothing when it is no handshake of this protocol and version, or says what cannot be.
  static std::optional<Handshake> decode(std::span<const std::uint8_t> bytes);
};

// Why a request was refused: the private data of the rejection, one byte.
enum class Refusal : std::uint8_t { kHandshake = 1, kBacklog = 2, kMemory = 3 };

enum class Kind : std::uint8_t {
  kData = 1,    // a fragment of a message
  kCredit = 2,  // credits alone
  kEnd = 3,     // nothing follows: the sender has closed
  kShut = 4,    // no data follows, but the sender still takes it in: the half-close
};

struct Header {
  static constexpr std::size_t kBytes = 16;

  Kind kind = Kind::kData;
  bool more = false;          // data: further fragments of this message follow
  std::uint16_t credits = 0;  // as many receives were posted again
  std::uint32_t message = 0;  // data: payload bytes of the whole message
  std::uint32_t offset = 0;   // data: payload bytes before this fragment's

  void encode(std::uint8_t* to) const;
  // Nothing when the bytes cannot be a message: too short, an unknown kind, a fragment outside its message.
  static std::optional<Header> decode(std::span<const std::uint8_t> bytes);
};

}  // namespace demi::rdma
