// The bytes on the device: docs/log-format.md has them all. Integers are little-endian, as is every processor this is built for.
//
// Whatever is read is not trusted: each of these has a checksum of its own and says what it is, whose, and where it belongs, so that what
// was torn, flipped, written to another place or left from before is told from what is right.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace demi::spdk::format {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kMostLogs = 1024;
inline constexpr std::size_t kMostName = 255;
inline constexpr std::uint32_t kMostRecord = 16u << 20;
inline constexpr std::uint32_t kLeastBlock = 512;
inline constexpr std::uint32_t kMostBlock = 4096;
inline constexpr std::uint32_t kLeastSegment = 64u << 10;
inline constexpr std::uint32_t kMostSegment = 16u << 20;
inline constexpr std::uint32_t kMostSegments = 1u << 20;
inline constexpr std::uint64_t kSuperblockStride = 4096;  // the second copy's place
inline constexpr std::uint64_t kDirectoryStart = 64u << 10;
inline constexpr std::uint32_t kNone = 0xffffffff;

// The device: what it is divided into. Two copies, written in turn.
struct Superblock {
  std::array<char, 8> magic;
  std::uint32_t crc;  // of all that follows
  std::uint32_t version;
  std::uint64_t features;  // bits that whoever does not know them must not open: none yet
  std::uint64_t identity;  // random, given by format(): in everything else on the device
  std::uint64_t sequence;  // counts the writings of this block
  std::uint64_t epoch;     // counts the openings
  std::uint64_t device_bytes;
  std::uint32_t block_bytes;
  std::uint32_t segment_bytes;
  std::uint32_t segments;
  std::uint32_t logs;  // entries of the directory
};
static_assert(sizeof(Superblock) == 72);

// A log. Two copies, of which one is always whole: the second is written when the first is durable.
struct DirectoryEntry {
  std::array<char, 8> magic;
  std::uint32_t crc;
  std::uint32_t slot;
  std::uint64_t identity;
  std::uint64_t version;      // counts the writings of this entry
  std::uint64_t incarnation;  // of the log: no other log of this device had it or will have it
  std::uint64_t start;        // position of the first byte that was not truncated
  std::uint64_t durable;      // everything before has been acknowledged
  std::uint32_t in_use;
  std::uint32_t name_bytes;
  std::array<char, 256> name;
};
static_assert(sizeof(DirectoryEntry) == 320);

// The first block of a segment, and the last, which has a copy.
struct SegmentHeader {
  std::array<char, 8> magic;
  std::uint32_t crc;
  std::uint32_t segment;  // which of the device's
  std::uint64_t identity;
  std::uint64_t incarnation;
  std::uint64_t ordinal;  // which of the log's
  std::uint64_t epoch;
  std::uint64_t stamp;  // counts the segments begun in this epoch: of two with the same ordinal the later is the log's
  // Where the log's batches before this segment end: the start of this one, unless what follows in the last could not be written.
  std::uint64_t resumes_from;
  std::uint64_t durable;      // everything before had been acknowledged
  std::uint32_t previous;     // the log's segment before, kNone of the first
  std::uint32_t first_batch;  // offset of the first batch that begins in this segment, kNone if none does
};
static_assert(sizeof(SegmentHeader) == 80);

// What one commit wrote of one log. Begins at a block.
struct BatchHeader {
  std::uint32_t magic;
  std::uint32_t crc;
  std::uint64_t identity;
  std::uint64_t incarnation;
  std::uint64_t position;
  std::uint64_t epoch;
  std::uint64_t durable;  // everything before had been acknowledged when this was written
  std::uint32_t bytes;    // of the batch, with this header, without what fills the last block
  std::uint32_t records;
};
static_assert(sizeof(BatchHeader) == 56);

// Before a record's bytes.
struct RecordHeader {
  std::uint32_t length;
  std::uint32_t gap;  // bytes between this header and the record's, so that these lie in a block as they do in memory
  std::uint32_t crc;  // of the record, behind its position and the log's incarnation
  std::uint32_t header_crc;  // of the three before, behind the position and the incarnation
};
static_assert(sizeof(RecordHeader) == 16);

inline constexpr std::array<char, 8> kSuperblockMagic{'D', 'E', 'M', 'I', 'L', 'O', 'G', 'S'};
inline constexpr std::array<char, 8> kDirectoryMagic{'D', 'E', 'M', 'I', 'L', 'O', 'G', 'D'};
inline constexpr std::array<char, 8> kSegmentMagic{'D', 'E', 'M', 'I', 'L', 'O', 'G', 'G'};
inline constexpr std::uint32_t kBatchMagic = 0x42494d44;  // "DMIB"
inline constexpr std::uint32_t kRecordAlign = 8;
// Most bytes of a batch: the largest record, beside as many as a commit has.
inline constexpr std::uint32_t kMostBatch = kMostRecord + (2u << 20);
// Bytes from here to where the next record may begin; `offset` is from the start of the batch.
inline constexpr std::uint64_t to_next_record(std::uint64_t offset) {
  return (kRecordAlign - offset % kRecordAlign) % kRecordAlign;
}

// Fills in the checksum.
void seal(Superblock&);
void seal(DirectoryEntry&);
void seal(SegmentHeader&);
void seal(BatchHeader&);

// The checksum and the magic are right.
bool is_whole(const Superblock&);
bool is_whole(const DirectoryEntry&);
bool is_whole(const SegmentHeader&);
bool is_whole(const BatchHeader&);
// It is the header of a batch of this log, at this position.
bool is_batch(const BatchHeader&, std::uint64_t identity, std::uint64_t incarnation, std::uint64_t position);

// What checksums of a record begin with, so that one that is right elsewhere is wrong here.
std::uint32_t record_salt(std::uint64_t incarnation, std::uint64_t position);
void seal(RecordHeader&, std::uint32_t salt);
bool is_whole(const RecordHeader&, std::uint32_t salt);

template <class Struct>
Struct read(const void* from) {
  Struct out;
  std::memcpy(&out, from, sizeof out);
  return out;
}

// Where everything is on a device of these sizes.
struct Layout {
  std::uint32_t block_bytes = 0;
  std::uint32_t segment_bytes = 0;
  std::uint32_t segments = 0;
  std::uint32_t logs = 0;

  // For a device of `bytes` bytes, with segments of the size that suits it, or of a given one; segments is 0 if it is too small.
  static Layout with(std::uint32_t segment_bytes, std::uint64_t bytes, std::uint32_t block_bytes, std::uint32_t logs);
  static Layout of(std::uint64_t bytes, std::uint32_t block_bytes, std::uint32_t logs);

  std::uint64_t directory_copy(std::uint32_t slot, int copy) const {
    return kDirectoryStart + (static_cast<std::uint64_t>(copy) * logs + slot) * block_bytes;
  }
  std::uint64_t segments_start() const { return (kDirectoryStart + 2ull * logs * block_bytes + 0xffff) & ~0xffffull; }
  std::uint64_t segment_start(std::uint32_t segment) const {
    return segments_start() + static_cast<std::uint64_t>(segment) * segment_bytes;
  }
  // Bytes of a segment that batches are in.
  std::uint32_t payload() const { return segment_bytes - 2 * block_bytes; }
  std::uint64_t ordinal_of(std::uint64_t position) const { return position / payload(); }
  std::uint64_t position_of(std::uint64_t ordinal) const { return ordinal * payload(); }
  // Where a position of a log is within its segment.
  std::uint32_t offset_of(std::uint64_t position) const {
    return block_bytes + static_cast<std::uint32_t>(position % payload());
  }
  std::uint64_t whole_blocks(std::uint64_t bytes) const {
    return (bytes + block_bytes - 1) / block_bytes * block_bytes;
  }
};

}  // namespace demi::spdk::format
