// A device whose contents somebody made up, with checksums that are right: opening it, reading it and appending to it end with errors at
// worst, and take no more memory than the limits say.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>

#include "store_story.hpp"

namespace hostile_contents_test {

using namespace demi::spdk;
using namespace demi::spdk::test;
namespace format = demi::spdk::format;

namespace {

// A number that somebody might try.
std::uint64_t nasty(Random& random) {
  switch (random.below(6)) {
    case 0:
      return 0;
    case 1:
      return ~0ull >> random.below(64);
    case 2:
      return 1ull << random.below(64);
    case 3:
      return (1ull << random.below(64)) - 1;
    case 4:
      return random.below(2000);
    default:
      return (std::uint64_t{random.bits()} << 32) | random.bits();
  }
}

// Writes over some words of the structure, and makes its checksum right again.
template <class Struct>
bool spoil(std::uint8_t* block, Random& random) {
  auto made = format::read<Struct>(block);
  if (!format::is_whole(made)) return false;
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&made);
  for (std::uint32_t n = 1 + random.below(3); n != 0; --n) {
    const std::uint64_t value = nasty(random);
    const std::size_t size = random.one_in(2) ? 4 : 8;
    // Behind the magic and the checksum.
    const std::size_t first = 16;
    std::memcpy(bytes + first + random.below(static_cast<std::uint32_t>((sizeof made - first - size) / 4)) * 4, &value,
                size);
  }
  format::seal(made);
  std::memcpy(block, &made, sizeof made);
  return true;
}

bool spoil_any(std::uint8_t* block, Random& random) {
  return spoil<format::Superblock>(block, random) || spoil<format::DirectoryEntry>(block, random) ||
         spoil<format::SegmentHeader>(block, random) || spoil<format::BatchHeader>(block, random);
}

void use(Story& story) {
  for (Log* const log : story.store().logs()) {
    Reading reading(story.store(), *log, story.device());
    std::size_t errors = 0;
    for (std::int32_t result = 1; result != 0 && errors < 50;) {
      result = reading.next();
      CHECK(result <= static_cast<std::int32_t>(format::kMostRecord));
      if (result >= 0) continue;
      ++errors;
      reading.reader.seek(reading.reader.cursor() / 8 * 8 + 8);
    }
  }
  story.append_anywhere();
}

}  // namespace

TEST_CASE("made-up contents with right checksums are errors at worst") {
  Random random(demi::test::seed("hostile contents"));
  demi::test::Budget budget(2, 200);
  std::size_t opened = 0;
  while (budget.left()) {
    const std::uint64_t seed = random.bits();
    CAPTURE(seed);
    Story story(seed, {});
    story.tell_and_close();
    const auto blocks = story.device().written_blocks();
    std::uint32_t spoilt = 1 + random.below(4);
    for (int tries = 0; spoilt != 0 && tries < 10'000; ++tries) {
      const std::uint64_t block = blocks[random.below(static_cast<std::uint32_t>(blocks.size()))];
      if (spoil_any(story.device().durable(block), random)) --spoilt;
    }
    demi::Failure failure;
    if (!story.try_open(failure)) {
      CHECK(failure.error < 0);
      continue;
    }
    ++opened;
    use(story);
  }
  CHECK(opened > 0);
}

TEST_CASE("noise in place of contents is refused, or an error where it is read") {
  Random random(demi::test::seed("noise"));
  demi::test::Budget budget(2, 200);
  while (budget.left()) {
    const std::uint64_t seed = random.bits();
    CAPTURE(seed);
    Story story(seed, {});
    story.tell_and_close();
    const auto blocks = story.device().written_blocks();
    for (std::uint32_t n = 1 + random.below(60); n != 0; --n) {
      std::uint8_t* const block =
          story.device().durable(blocks[random.below(static_cast<std::uint32_t>(blocks.size()))]);
      for (std::uint32_t k = random.below(200); k != 0; --k)
        block[random.below(story.device().geometry().block_bytes)] = static_cast<std::uint8_t>(random.bits());
    }
    demi::Failure failure;
    if (story.try_open(failure)) use(story);
  }
}

}  // namespace hostile_contents_test
