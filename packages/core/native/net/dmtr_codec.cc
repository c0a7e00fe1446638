#include "demi/net/dmtr_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace demi::dmtr {

namespace {

std::uint32_t load_be32(const std::uint8_t* from) {
  return static_cast<std::uint32_t>(from[0]) << 24 | static_cast<std::uint32_t>(from[1]) << 16 |
         static_cast<std::uint32_t>(from[2]) << 8 | from[3];
}

void store_be32(std::uint8_t* to, std::uint32_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 24);
  to[1] = static_cast<std::uint8_t>(value >> 16);
  to[2] = static_cast<std::uint8_t>(value >> 8);
  to[3] = static_cast<std::uint8_t>(value);
}

struct Header {
  std::uint32_t payload = 0;
  std::uint32_t segments = 0;
};

// Checks all that the 12 bytes alone can show. 0 or a negative errno.
std::int32_t parse_header(const std::uint8_t* bytes, std::uint32_t max_message, Header& out) {
  if (load_be32(bytes) != kMagic) return -EILSEQ;
  const std::uint32_t body = load_be32(bytes + 4);
  out.segments = load_be32(bytes + 8);
  if (out.segments == 0 || out.segments > static_cast<std::uint32_t>(layout::kMaxSegments)) return -EPROTO;
  const std::uint32_t lengths = out.segments * static_cast<std::uint32_t>(kLengthBytes);
  if (body <= lengths) return -EBADMSG;
  out.payload = body - lengths;
  return out.payload > max_message ? -EMSGSIZE : 0;
}

// Checks the length of one segment, when `left` payload bytes and `segments_left` segments (this one included) remain.
std::int32_t check_length(std::uint32_t length, std::uint32_t left, std::uint32_t segments_left, const Arena& arena) {
  if (length > left || (segments_left == 1 && length != left)) return -EBADMSG;
  return length > arena.largest() ? -EMSGSIZE : 0;
}

// A pop reports lengths as int32.
std::uint32_t reportable(std::uint32_t max_message) {
  return std::min<std::uint32_t>(max_message, std::numeric_limits<std::int32_t>::max());
}

}  // namespace

// ---- encoding -------------------------------------------------------------------------------------------------------

std::uint64_t encoded_bytes(const Arena& arena, Sga sga) {
  return kHeaderBytes + static_cast<std::uint64_t>(arena.segments(sga)) * kLengthBytes + arena.total(sga);
}

int encode(const Arena& arena, Sga sga, std::uint64_t skip, FramingBytes& framing, iovec* out) {
  int n = 0;
  const auto add = [&](std::uint8_t* data, std::size_t bytes) {
    const std::size_t sent = std::min<std::uint64_t>(skip, bytes);
    skip -= sent;
    if (sent == bytes) return;
    data += sent;
    bytes -= sent;
    // The length word of an empty segment joins the next.
    if (n > 0 && static_cast<std::uint8_t*>(out[n - 1].iov_base) + out[n - 1].iov_len == data) {
      out[n - 1].iov_len += bytes;
    } else {
      out[n++] = {data, bytes};
    }
  };

  const std::uint32_t segments = arena.segments(sga);
  const std::uint32_t body = arena.total(sga) + segments * static_cast<std::uint32_t>(kLengthBytes);
  store_be32(framing.data(), kMagic);
  store_be32(framing.data() + 4, body);
  store_be32(framing.data() + 8, segments);
  add(framing.data(), kHeaderBytes);
  std::uint8_t* word = framing.data() + kHeaderBytes;
  arena.for_each_segment(sga, [&](std::span<std::uint8_t> segment) {
    store_be32(word, static_cast<std::uint32_t>(segment.size()));
    add(word, kLengthBytes);
    add(segment.data(), segment.size());
    word += kLengthBytes;
  });
  return n;
}

// ---- decoding a stream ------------------------------------------------------------------------------------------------

Decoder::Decoder(Arena& arena, std::uint32_t max_message) : arena_(arena), max_message_(reportable(max_message)) {}

void Decoder::reset() {
  if (head_ != 0) arena_.free(head_);
  head_ = segment_ = 0;
  filled_ = 0;
  error_ = 0;
  state_ = State::kHeader;
}

std::int32_t Decoder::broken(std::int32_t error) {
  reset();
  state_ = State::kBroken;
  error_ = error;
  return error;
}

std::int32_t Decoder::decode(std::span<const std::uint8_t>& in, Sga& message) {
  // Collects a word of `want` bytes; true once it is whole.
  const auto collect = [&](std::size_t want) {
    const std::size_t n = std::min<std::size_t>(want - filled_, in.size());
    std::copy_n(in.data(), n, words_.data() + filled_);
    filled_ += static_cast<std::uint32_t>(n);
    in = in.subspan(n);
    return filled_ == want;
  };

  for (;;) {
    switch (state_) {
      case State::kHeader: {
        const bool whole = collect(kHeaderBytes);
        // A peer of another protocol may well wait for an answer after fewer than 12 bytes.
        if (filled_ >= sizeof kMagic && load_be32(words_.data()) != kMagic) return broken(-EILSEQ);
        if (!whole) return kNeedMore;
        if (const std::int32_t error = read_header(); error < 0) return broken(error);
        break;
      }
      case State::kLength:
        if (!collect(kLengthBytes)) return kNeedMore;
        if (const std::int32_t error = read_length(); error < 0) return broken(error);
        break;
      case State::kSlot:
        if (!take_slot()) return kBlocked;
        break;
      case State::kPayload: {
        const std::span<std::uint8_t> to = target();
        const std::size_t n = std::min(to.size(), in.size());
        std::copy_n(in.data(), n, to.data());
        in = in.subspan(n);
        const std::int32_t result = advance(n, message);
        if (result > 0 || state_ == State::kPayload) return result;
        break;
      }
      case State::kBroken:
        return error_;
    }
  }
}

std::int32_t Decoder::read_header() {
  Header header;
  if (const std::int32_t error = parse_header(words_.data(), max_message_, header); error < 0) return error;
  total_ = left_ = header.payload;
  segments_left_ = header.segments;
  filled_ = 0;
  state_ = State::kLength;
  return 0;
}

std::int32_t Decoder::read_length() {
  length_ = load_be32(words_.data());
  if (const std::int32_t error = check_length(length_, left_, segments_left_, arena_); error < 0) return error;
  left_ -= length_;
  --segments_left_;
  filled_ = 0;
  state_ = State::kSlot;
  return 0;
}

bool Decoder::take_slot() {
  segment_ = arena_.alloc(length_);
  if (segment_ == 0) return false;
  if (head_ == 0) {
    head_ = segment_;
  } else {
    arena_.append(head_, segment_);
  }
  state_ = State::kPayload;
  return true;
}

std::span<std::uint8_t> Decoder::target() const {
  if (state_ != State::kPayload) return {};
  return arena_.bytes_of(segment_).subspan(filled_);
}

std::int32_t Decoder::advance(std::size_t n, Sga& message) {
  if (state_ != State::kPayload) return state_ == State::kBroken ? error_ : kNeedMore;
  filled_ += static_cast<std::uint32_t>(std::min<std::size_t>(n, length_ - filled_));
  if (filled_ < length_) return kNeedMore;
  filled_ = 0;
  if (segments_left_ != 0) {
    state_ = State::kLength;
    return kNeedMore;
  }
  message = head_;
  head_ = segment_ = 0;
  state_ = State::kHeader;
  return static_cast<std::int32_t>(total_);
}

// ---- decoding a datagram ------------------------------------------------------------------------------------------------

namespace {

struct Segments {
  std::array<std::uint32_t, layout::kMaxSegments> lengths{};
  std::size_t count = 0;
  std::uint32_t payload = 0;
};

std::int32_t parse_datagram(const Arena& arena, std::span<const std::uint8_t> in, std::uint32_t max_message,
                            Segments& out) {
  if (in.size() >= sizeof kMagic && load_be32(in.data()) != kMagic) return -EILSEQ;
  if (in.size() < kHeaderBytes) return -EBADMSG;
  Header header;
  if (const std::int32_t error = parse_header(in.data(), reportable(max_message), header); error < 0) return error;
  if (in.size() - kHeaderBytes != std::uint64_t{header.payload} + header.segments * kLengthBytes) return -EBADMSG;
  out.count = header.segments;
  out.payload = header.payload;
  std::uint32_t left = header.payload;
  std::size_t at = kHeaderBytes;
  for (std::uint32_t i = 0; i < header.segments; ++i) {
    // In range: what is left holds the other length words and exactly `left` payload bytes.
    const std::uint32_t length = load_be32(in.data() + at);
    if (const std::int32_t error = check_length(length, left, header.segments - i, arena); error < 0) return error;
    out.lengths[i] = length;
    left -= length;
    at += kLengthBytes + length;
  }
  return 0;
}

}  // namespace

std::int32_t decode_datagram(Arena& arena, std::span<const std::uint8_t> datagram, std::uint32_t max_message,
                             Sga& message) {
  Segments segments;
  if (const std::int32_t error = parse_datagram(arena, datagram, max_message, segments); error < 0) return error;
  const Sga sga = arena.alloc_chain({segments.lengths.data(), segments.count});
  if (sga == 0) return -ENOBUFS;
  const std::uint8_t* from = datagram.data() + kHeaderBytes;
  arena.for_each_segment(sga, [&](std::span<std::uint8_t> to) {
    from += kLengthBytes;
    std::copy_n(from, to.size(), to.data());
    from += to.size();
  });
  message = sga;
  return static_cast<std::int32_t>(segments.payload);
}

std::int32_t adopt_datagram(Arena& arena, Sga datagram, std::uint32_t max_message, Sga& message) {
  const std::span<std::uint8_t> bytes = arena.bytes_of(datagram);
  Segments segments;
  if (const std::int32_t error = parse_datagram(arena, bytes, max_message, segments); error < 0) {
    arena.free(datagram);
    return error;
  }
  if (segments.count == 1) {
    const auto offset = static_cast<std::uint32_t>(bytes.data() - arena.slot_start(datagram));
    arena.set_range(datagram, offset + kHeaderBytes + kLengthBytes, segments.payload);
    message = datagram;
    return static_cast<std::int32_t>(segments.payload);
  }
  const std::int32_t result = decode_datagram(arena, bytes, max_message, message);
  if (result != -ENOBUFS) arena.free(datagram);
  return result;
}

}  // namespace demi::dmtr
