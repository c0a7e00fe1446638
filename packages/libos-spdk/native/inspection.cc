#include "inspection.hpp"

#include <cerrno>
#include <random>

#include "open_block_device.hpp"

namespace demi::spdk {

namespace {

bool look(const std::string& name, BlockDevice& device, Inspection& out, Failure& failure) {
  LogStore store(device);
  if (!store.open(failure)) {
    failure.message = name + ": " + failure.message;
    return false;
  }
  out.engine = device.name();
  out.version = format::kVersion;  // it opens no other
  out.identity = store.identity();
  out.epoch = store.epoch();
  out.device_bytes = device.geometry().blocks * device.geometry().block_bytes;
  out.layout = store.layout();
  out.free_segments = store.free_segments().count();
  out.recovery = store.recovery();
  for (const Log* const log : store.logs()) out.logs.push_back({log->name, log->start, log->end, log->segments.size()});
  if (const int error = store.close(); error != 0) {
    failure.error = error;
    failure.message = name + ": the ends of its logs cannot be written";
    return false;
  }
  return true;
}

}  // namespace

std::uint64_t random_identity() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

bool inspect_device(const std::string& name, Inspection& out, Failure& failure) {
  const auto device = open_block_device(name, failure);
  return device && look(name, *device, out, failure);
}

bool format_device(const std::string& name, std::uint32_t logs, bool force, Inspection& out, Failure& failure) {
  const auto refuse = [&](int error, const std::string& why) {
    failure.error = error;
    failure.message = name + ": " + why;
    return false;
  };
  if (logs == 0 || logs > format::kMostLogs)
    return refuse(-EINVAL, "1 to " + std::to_string(format::kMostLogs) + " logs can be on a device");
  const auto device = open_block_device(name, failure);
  if (!device) return false;
  if (!force) {
    LogStore::Content content{};
    if (const int error = LogStore::content(*device, content); error != 0) return refuse(error, "cannot be read");
    if (content == LogStore::Content::kLogs) return refuse(-EEXIST, "has logs on it");
    if (content == LogStore::Content::kForeign) return refuse(-EEXIST, "holds something that is no log");
  }
  if (!LogStore::format(*device, random_identity(), logs, failure)) return refuse(failure.error, failure.message);
  return look(name, *device, out, failure);
}

}  // namespace demi::spdk
