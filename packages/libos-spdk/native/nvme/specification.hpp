// The parts of the NVM Express specifications that the driver speaks: Base 2.0c ("Base") and NVM Command Set 1.0c ("NVM").
#pragma once

#include <cstddef>
#include <cstdint>

namespace demi::spdk::nvme {

// Controller properties, by offset in BAR 0. Base 3.1.3.
namespace property {
constexpr std::size_t kCapabilities = 0x00;     // CAP
constexpr std::size_t kVersion = 0x08;          // VS
constexpr std::size_t kInterruptMask = 0x0c;    // INTMS
constexpr std::size_t kConfiguration = 0x14;    // CC
constexpr std::size_t kStatus = 0x1c;           // CSTS
constexpr std::size_t kAdminSizes = 0x24;       // AQA
constexpr std::size_t kAdminSubmission = 0x28;  // ASQ
constexpr std::size_t kAdminCompletion = 0x30;  // ACQ
constexpr std::size_t kDoorbells = 0x1000;
}  // namespace property

// What a property reads as when the device is no longer on the bus (Base 3.1.3 has no such value of CSTS or CC).
constexpr std::uint32_t kAbsent = 0xffffffff;

// CAP. Base figure 36.
constexpr std::uint32_t most_queue_entries(std::uint64_t cap) { return static_cast<std::uint32_t>(cap & 0xffff) + 1; }
constexpr std::uint32_t start_time_ms(std::uint64_t cap) { return static_cast<std::uint32_t>(cap >> 24 & 0xff) * 500; }
constexpr std::uint32_t doorbell_stride(std::uint64_t cap) { return 4u << (cap >> 32 & 0xf); }
constexpr bool has_nvm_commands(std::uint64_t cap) { return (cap >> 37 & 1) != 0; }
constexpr std::uint32_t least_page_bytes(std::uint64_t cap) { return 4096u << (cap >> 48 & 0xf); }

// CC: enabled, commands of the NVM set, pages of 4 KiB, entries of 64 and 16 bytes. Base figure 46.
constexpr std::uint32_t kEnable = 4u << 20 | 6u << 16 | 1;
constexpr std::uint32_t kShutdownNormal = 1u << 14;
constexpr std::uint32_t kShutdownMask = 3u << 14;
// CSTS. Base figure 47.
constexpr std::uint32_t kReady = 1u << 0;
constexpr std::uint32_t kFatal = 1u << 1;
constexpr std::uint32_t kShutdownStatus = 3u << 2;
constexpr std::uint32_t kShutdownComplete = 2u << 2;

enum class AdminOpcode : std::uint8_t {  // Base figure 138
  kDeleteSubmissionQueue = 0x00,
  kCreateSubmissionQueue = 0x01,
  kDeleteCompletionQueue = 0x04,
  kCreateCompletionQueue = 0x05,
  kIdentify = 0x06,
  kAbort = 0x08,
  kSetFeatures = 0x09,
  kGetFeatures = 0x0a,
};
enum class Opcode : std::uint8_t { kFlush = 0x00, kWrite = 0x01, kRead = 0x02 };  // NVM figure 20
constexpr std::uint32_t kFeatureWriteCache = 0x06;                                // Base 5.27.1.4
constexpr std::uint32_t kFeatureQueues = 0x07;                                    // Base 5.27.1.5
constexpr std::uint32_t kForceUnitAccess = 1u << 30;                              // NVM figure 64, dword 12

// Base figure 88.
struct Command {
  std::uint8_t opcode = 0;
  std::uint8_t flags = 0;  // PRPs, not fused
  std::uint16_t id = 0;
  std::uint32_t nsid = 0;
  std::uint32_t dword2[2] = {};
  std::uint64_t metadata = 0;
  std::uint64_t prp1 = 0;
  std::uint64_t prp2 = 0;
  std::uint32_t dword10 = 0;
  std::uint32_t dword11 = 0;
  std::uint32_t dword12 = 0;
  std::uint32_t dword13 = 0;
  std::uint32_t dword14 = 0;
  std::uint32_t dword15 = 0;
};
static_assert(sizeof(Command) == 64);

// Base figure 90.
struct Completion {
  std::uint32_t result = 0;
  std::uint32_t reserved = 0;
  std::uint16_t submission_head = 0;
  std::uint16_t submission_queue = 0;
  std::uint16_t id = 0;
  std::uint16_t status = 0;  // with the phase tag in bit 0
};
static_assert(sizeof(Completion) == 16);

// Status without the phase tag. Base figure 91.
struct Status {
  std::uint16_t bits = 0;
  bool ok() const { return (bits & 0x7ff) == 0; }
  std::uint8_t code() const { return static_cast<std::uint8_t>(bits & 0xff); }
  std::uint8_t type() const { return static_cast<std::uint8_t>(bits >> 8 & 7); }
  // Which of the controller's delays to keep before another try, 0 for none.
  unsigned delay() const { return bits >> 11 & 3; }
  bool do_not_retry() const { return (bits >> 14 & 1) != 0; }
};

// Pages of the controller's memory (CC.MPS of 0), and what describes them. Base 4.1.1.
constexpr std::uint32_t kPage = 4096;
constexpr std::uint32_t kListEntries = kPage / sizeof(std::uint64_t);

}  // namespace demi::spdk::nvme
