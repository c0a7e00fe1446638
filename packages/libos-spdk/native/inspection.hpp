// What is on a device of logs, for those who look at it from outside a libOS: demi-log.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "demi/failure.hpp"
#include "store.hpp"

namespace demi::spdk {

struct Inspection {
  struct LogEntry {
    std::string name;
    std::uint64_t start;
    std::uint64_t end;
    std::size_t segments;
  };

  std::string engine;  // the block device's: "io_uring"
  std::uint32_t version = 0;
  std::uint64_t identity = 0;
  std::uint64_t epoch = 0;
  std::uint64_t device_bytes = 0;
  format::Layout layout;
  std::size_t free_segments = 0;
  LogStore::Recovery recovery;
  std::vector<LogEntry> logs;  // in the order of the directory
};

// Divides the device anew, for at most `logs` logs, and looks at what it has become. Errors as of open_block_device(); EEXIST: there is
// something on it, and `force` is false; EINVAL: `logs` is not 1 to kMostLogs; ENOSPC: it is too small.
bool format_device(const std::string& name, std::uint32_t logs, bool force, Inspection& out, Failure& failure);

// Opens a device as a libOS does, which recovers it and counts as one of its openings. Errors as of open_block_device() and
// LogStore::open(): a device without logs is EINVAL, and stays as it is.
bool inspect_device(const std::string& name, Inspection& out, Failure& failure);

// For LogStore::format().
std::uint64_t random_identity();

}  // namespace demi::spdk
