// The wire format of the C++ Demikernel's posix libOS, over streams and datagrams.
//
//   u32 magic 0x10102010 | u32 h_bytes | u32 h_sgasegs        all big-endian
//   h_sgasegs times: u32 length | length bytes
//
// h_bytes is the sum of (4 + length) over the segments: all that follows the 12-byte header.
//
// What a peer sends is hostile until checked. A message is refused, with a negative errno, as soon as the bytes that show it
// to be wrong are there, and before memory is taken for it:
//   -EILSEQ    the magic is not there: the peer speaks something else
//   -EPROTO    h_sgasegs is 0 or above 16
//   -EMSGSIZE  the payload exceeds `max_message`, or a segment the arena's largest slot
//   -EBADMSG   the lengths of the segments do not add up to h_bytes, or the payload is empty
// One empty segment among others is kept as it is. A message whose segments are all empty is refused: no push can make one
// (ENOMSG), and its pop would be mistaken for the end of the stream.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "demi/arena.hpp"

namespace demi::dmtr {

inline constexpr std::uint32_t kMagic = 0x10102010;
inline constexpr std::size_t kHeaderBytes = 12;
inline constexpr std::size_t kLengthBytes = 4;
// Header and length words of the largest message, and the iovecs it takes.
inline constexpr std::size_t kMaxFramingBytes = kHeaderBytes + layout::kMaxSegments * kLengthBytes;
inline constexpr int kMaxIovecs = 2 * layout::kMaxSegments;

// ---- encoding -------------------------------------------------------------------------------------------------------

// Room for everything of a message that is not payload. Whoever sends keeps it alive until the kernel has taken the bytes.
using FramingBytes = std::array<std::uint8_t, kMaxFramingBytes>;

// Bytes the message takes on the wire.
std::uint64_t encoded_bytes(const Arena& arena, Sga sga);

// Writes header and lengths into `framing`, and iovecs that alternate between it and the segments into `out` (room for
// kMaxIovecs), leaving out the first `skip` bytes of the encoded message, which a short write has already sent. Returns how many
// iovecs were written, 0 when nothing is left. Calling it again for the same sga writes the same bytes.
int encode(const Arena& arena, Sga sga, std::uint64_t skip, FramingBytes& framing, iovec* out);

// ---- decoding a stream ------------------------------------------------------------------------------------------------

// Takes the bytes of one connection in pieces of any size and gives back sgas. Holds at most one unfinished message.
class Decoder {
 public:
  // Results of decode() and advance() beside a message's length and an errno.
  static constexpr std::int32_t kNeedMore = 0;
  static constexpr std::int32_t kBlocked = -ENOBUFS;

  // `max_message`: most payload bytes of one message.
  Decoder(Arena& arena, std::uint32_t max_message);
  ~Decoder() { reset(); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Reads from the front of `in` and moves `in` past what it took, up to the end of one message.
  //   > 0        a message: its payload length, and in `message` its sga, owned by the device side, now the caller's
  //   kNeedMore  all of `in` is taken, the message is not complete
  //   kBlocked   the arena has no slot for the next segment: call again with what is left of `in` (also when that is nothing)
  //              once Arena::releases() has moved. Nothing is lost meanwhile; leave the rest in the socket
  //   other < 0  the peer broke the format; the connection is of no more use. Every later call answers the same
  std::int32_t decode(std::span<const std::uint8_t>& in, Sga& message);

  // Where the next payload bytes belong, so that a socket can read straight into the slot and save the copy; empty between
  // segments. After writing the first n bytes of it, call advance(n, message): it answers as decode() does.
  std::span<std::uint8_t> target() const;
  std::int32_t advance(std::size_t n, Sga& message);

  // True inside a message: the end of the stream here means that the peer cut it short.
  bool partial() const { return state_ != State::kHeader || filled_ != 0; }

  // Drops the unfinished message and its slots, and forgets an error.
  void reset();

 private:
  enum class State : std::uint8_t { kHeader, kLength, kSlot, kPayload, kBroken };

  std::int32_t read_header();
  std::int32_t read_length();
  bool take_slot();
  std::int32_t broken(std::int32_t error);

  Arena& arena_;
  std::uint32_t max_message_;
  State state_ = State::kHeader;
  std::int32_t error_ = 0;
  std::array<std::uint8_t, kHeaderBytes> words_{};  // the header or length word being collected
  std::uint32_t filled_ = 0;                        // bytes of words_, or of the segment, that are there
  std::uint32_t total_ = 0;                         // payload bytes of the message
  std::uint32_t left_ = 0;                          // payload bytes of segments whose length was not read yet
  std::uint32_t segments_left_ = 0;                 // segments whose length was not read yet
  std::uint32_t length_ = 0;                        // of the current segment
  Sga head_ = 0;
  Sga segment_ = 0;
};

// ---- decoding a datagram ------------------------------------------------------------------------------------------------

// One datagram is one message, whole. Answers the payload length with `message` set, or a negative errno as above; bytes
// missing or left over are -EBADMSG, an arena without room is -ENOBUFS. The address is for the caller to set.
std::int32_t decode_datagram(Arena& arena, std::span<const std::uint8_t> datagram, std::uint32_t max_message,
                             Sga& message);

// The same for a datagram that has a slot to itself (one segment, owned by the device side): a message of one segment
// becomes that slot with its range narrowed and nothing is copied. `datagram` is used up, except with -ENOBUFS.
std::int32_t adopt_datagram(Arena& arena, Sga datagram, std::uint32_t max_message, Sga& message);

}  // namespace demi::dmtr
