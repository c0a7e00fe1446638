#include "format.hpp"

#include <algorithm>

#include "crc32c.hpp"

namespace demi::spdk::format {

namespace {

// Of all behind the checksum.
template <class Struct>
std::uint32_t sum_of(const Struct& of) {
  constexpr std::size_t from = offsetof(Struct, crc) + sizeof(of.crc);
  return crc32c(0, reinterpret_cast<const std::uint8_t*>(&of) + from, sizeof of - from);
}

}  // namespace

void seal(Superblock& block) { block.crc = sum_of(block); }
void seal(DirectoryEntry& entry) { entry.crc = sum_of(entry); }
void seal(SegmentHeader& header) { header.crc = sum_of(header); }
void seal(BatchHeader& header) { header.crc = sum_of(header); }

bool is_whole(const Superblock& block) { return block.magic == kSuperblockMagic && block.crc == sum_of(block); }
bool is_whole(const DirectoryEntry& entry) {
  return entry.magic == kDirectoryMagic && entry.crc == sum_of(entry) && entry.name_bytes <= kMostName;
}
bool is_whole(const SegmentHeader& header) { return header.magic == kSegmentMagic && header.crc == sum_of(header); }
bool is_whole(const BatchHeader& header) { return header.magic == kBatchMagic && header.crc == sum_of(header); }

bool is_batch(const BatchHeader& header, std::uint64_t identity, std::uint64_t incarnation, std::uint64_t position) {
  return is_whole(header) && header.identity == identity && header.incarnation == incarnation &&
         header.position == position && header.durable <= position && header.records != 0 &&
         header.bytes > sizeof header + sizeof(RecordHeader) && header.bytes <= kMostBatch;
}

std::uint32_t record_salt(std::uint64_t incarnation, std::uint64_t position) {
  const std::uint64_t both[2] = {incarnation, position};
  return crc32c(0, both, sizeof both);
}

void seal(RecordHeader& header, std::uint32_t salt) {
  header.header_crc = crc32c(salt, &header, offsetof(RecordHeader, header_crc));
}
bool is_whole(const RecordHeader& header, std::uint32_t salt) {
  return header.header_crc == crc32c(salt, &header, offsetof(RecordHeader, header_crc)) && header.length != 0 &&
         header.length <= kMostRecord && header.gap < kMostBlock;
}

Layout Layout::with(std::uint32_t segment_bytes, std::uint64_t bytes, std::uint32_t block_bytes, std::uint32_t logs) {
  Layout layout{block_bytes, segment_bytes, 0, logs};
  const std::uint64_t start = layout.segments_start();
  if (bytes <= start) return layout;
  layout.segments = static_cast<std::uint32_t>(std::min<std::uint64_t>((bytes - start) / segment_bytes, kMostSegments));
  return layout;
}

Layout Layout::of(std::uint64_t bytes, std::uint32_t block_bytes, std::uint32_t logs) {
  const std::uint64_t start = with(kLeastSegment, 0, block_bytes, logs).segments_start();
  const std::uint64_t room = bytes - std::min(bytes, start);
  // Half as many again as there can be logs, and no more: where a segment begins a commit is no single write, and has two blocks more.
  const std::uint64_t wanted = std::bit_floor(room / (kMostLogs * 3 / 2));
  const auto segment_bytes = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, kLeastSegment, kMostSegment));
  return with(segment_bytes, bytes, block_bytes, logs);
}

}  // namespace demi::spdk::format
