#include "spdk_engine.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "inspection.hpp"
#include "open_block_device.hpp"

namespace demi::spdk {

namespace {

// What is under way on a disk without moving parts ends within this, mostly. Whoever is ready to wait for less would sleep in Node's loop
// for the rest, which costs as much processor time as the write.
constexpr std::uint32_t kPatienceUs = 1000;

}  // namespace

SpdkEngine::SpdkEngine(Runtime& runtime, BlockDevice& device, LogStore& store)
    : runtime_(runtime), device_(device), store_(store) {}

SpdkEngine::~SpdkEngine() {
  // Queues are closed by now: nothing waits, and what was begun ends.
  while (!store_.idle() || !closing_.empty()) {
    store_.poll();
    device_.wait(1000);
    tend();
  }
  store_.close();
  if (!mapped_.empty()) device_.unmap(mapped_);
}

std::unique_ptr<Queue> SpdkEngine::open(const FileRequest& request, int& error) {
  const int mode = request.flags & O_ACCMODE;
  const LogQueue::Access access{mode != O_WRONLY, mode != O_RDONLY};
  Log* log = store_.find(request.path);
  error = 0;
  if (log != nullptr && log->doomed) {
    error = -EIO;
  } else if (log == nullptr) {
    error = (request.flags & O_CREAT) != 0 ? store_.create(request.path, log) : -ENOENT;
  } else if ((request.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
    error = -EEXIST;
  } else if ((request.flags & O_TRUNC) != 0 && access.appends) {
    error = store_.truncate(*log, log->end);
  }
  if (error != 0) return nullptr;
  return std::make_unique<LogQueue>(runtime_, *this, store_, *log, access);
}

int SpdkEngine::unlink(const std::string& path) {
  if (path.size() > format::kMostName) return -ENAMETOOLONG;
  Log* const log = store_.find(path);
  if (log == nullptr) return -ENOENT;
  // What was closed is the application's no more: that the device still has something of it is no reason to refuse.
  while (std::ranges::any_of(closing_, [&](const auto& queue) { return queue->is_of(*log); })) {
    store_.poll();
    device_.wait(1000);
    tend();
  }
  return store_.unlink(*log);
}

void SpdkEngine::poll() {
  store_.poll();
  tend();
}

bool SpdkEngine::wait(std::uint32_t us) {
  store_.poll();
  tend();
  if (runtime_.completions_waiting()) return true;
  device_.wait(device_.busy() ? std::max(us, kPatienceUs) : us);
  store_.poll();
  tend();
  return true;
}

void SpdkEngine::tend() {
  if (!starved_.empty() && runtime_.arena().releases() != releases_) {
    releases_ = runtime_.arena().releases();
    for (LogQueue* const queue : std::exchange(starved_, {})) queue->retry();
  }
  if (!closing_.empty()) std::erase_if(closing_, [](const auto& queue) { return !queue->busy(); });
}

int SpdkEngine::prepare_sleep() {
  poll();
  // Memory that pops wait for comes from the application, which is awake then.
  return device_.prepare_sleep();
}

void SpdkEngine::keep(std::unique_ptr<Queue> closed) {
  closing_.emplace_back(static_cast<LogQueue*>(closed.release()));
}

void SpdkEngine::stats(const StatSink& sink) const {
  store_.stats(sink);
  sink("mappedBytes", static_cast<double>(mapped_.size()));
  device_.stats(sink);
}

namespace {

class SpdkDevice final : public Device {
 public:
  SpdkDevice(std::unique_ptr<BlockDevice> device, std::unique_ptr<LogStore> store)
      : device_(std::move(device)), store_(std::move(store)) {}
  bool plan(Limits& limits, Failure&) override {
    if (device_->needs_own_memory() && limits.provider == nullptr) limits.provider = this;
    return true;
  }
  std::shared_ptr<Mapping> memory(std::size_t bytes, Failure& failure) override {
    return device_->arena_memory(bytes, failure);
  }
  std::unique_ptr<Engine> start(Runtime& runtime, Failure&) override {
    return std::make_unique<SpdkEngine>(runtime, *device_, *store_);
  }

 private:
  std::unique_ptr<BlockDevice> device_;
  std::unique_ptr<LogStore> store_;
};

}  // namespace

std::unique_ptr<Device> open_device(const Config& config, Failure& failure) {
  std::string named = "file:demi.log";
  ConfigReader read(config, failure);
  read.text("device", named);
  if (!read.ok()) return nullptr;
  auto device = open_block_device(named, failure);
  if (!device) return nullptr;
  const auto refuse = [&](int error, const std::string& why) {
    failure.error = error;
    failure.message = named + ": " + why;
    return nullptr;
  };
  // What nobody has written to becomes ours.
  LogStore::Content content{};
  if (const int error = LogStore::content(*device, content); error != 0) return refuse(error, "cannot be read");
  if (content == LogStore::Content::kForeign)
    return refuse(-EINVAL, "holds something that is no log, which is not overwritten: name another file, or remove it");
  if (content == LogStore::Content::kNothing &&
      !LogStore::format(*device, random_identity(), format::kMostLogs, failure))
    return refuse(failure.error, failure.message);
  auto store = std::make_unique<LogStore>(*device);
  if (!store->open(failure)) return refuse(failure.error, failure.message);
  return std::make_unique<SpdkDevice>(std::move(device), std::move(store));
}

}  // namespace demi::spdk
