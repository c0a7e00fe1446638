// A storage engine for tests: byte files, written and read by one thread, so that what it completes comes from elsewhere and later. It has
// a descriptor to sleep on, and is no libOS's network.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "demi/addon.hpp"

namespace {

using demi::Op;
using demi::OpList;
using demi::Sga;

constexpr std::uint32_t kReadBytes = 4096;

class FileQueue;

// One transfer. While it is with the thread nobody else touches it.
struct Job {
  std::shared_ptr<FileQueue> queue;  // keeps the descriptor open
  Sga sga = 0;
  bool writes = false;
  bool durable = false;
  off_t offset = 0;
  iovec pieces[demi::layout::kMaxSegments];
  int count = 0;
  ssize_t result = 0;
};

class Worker {
 public:
  Worker() : done_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), thread_([this] { run(); }) {}
  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_one();
    thread_.join();
    ::close(done_fd_);
  }

  void start(Job job) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(job));
    }
    ready_.notify_one();
  }
  std::deque<Job> finished() {
    eventfd_t ignored;
    ::eventfd_read(done_fd_, &ignored);
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
  }
  bool any_finished() {
    const std::lock_guard lock(mutex_);
    return !done_.empty();
  }
  int fd() const { return done_fd_; }

 private:
  void run();

  int done_fd_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> waiting_;
  std::deque<Job> done_;
  bool stopping_ = false;
  std::thread thread_;
};

// Pushes append, pops read on from the cursor; one transfer of each direction is under way.
class FileQueue : public std::enable_shared_from_this<FileQueue> {
 public:
  FileQueue(demi::Runtime& runtime, Worker& worker, int fd, bool durable)
      : runtime(runtime), worker(worker), fd(fd), durable(durable), end(::lseek(fd, 0, SEEK_END)) {}
  ~FileQueue() { ::close(fd); }

  void start_write() {
    Op* const op = pushes.front();
    if (op == nullptr || op->started || closed) return;
    op->started = true;
    Job job{shared_from_this(), op->sga, true, durable, end, {}, 0, 0};
    runtime.arena().pin(op->sga);
    job.count = runtime.arena().gather(op->sga, 0, job.pieces, demi::layout::kMaxSegments);
    worker.start(std::move(job));
  }

  void start_read() {
    Op* const op = pops.front();
    if (op == nullptr || op->started || closed) return;
    const Sga sga = runtime.arena().alloc(kReadBytes);
    if (sga == 0) return runtime.complete(*pops.pop_front(), -ENOBUFS);
    op->started = true;
    Job job{shared_from_this(), sga, false, false, cursor, {}, 1, 0};
    job.pieces[0] = {runtime.arena().slot_start(sga), op->limit != 0 ? std::min(op->limit, kReadBytes) : kReadBytes};
    worker.start(std::move(job));
  }

  void finish(const Job& job) {
    const auto result = static_cast<std::int32_t>(job.result);
    if (job.writes) {
      runtime.arena().unpin(job.sga);
      if (result > 0) end += result;
      if (!closed) runtime.complete(*pushes.pop_front(), result);
      return start_write();
    }
    if (result > 0 && !closed) {
      cursor += result;
      runtime.arena().set_range(job.sga, 0, static_cast<std::uint32_t>(result));
      runtime.complete(*pops.pop_front(), result, job.sga);
    } else {
      runtime.arena().free(job.sga);
      if (!closed) runtime.complete(*pops.pop_front(), result);
    }
    start_read();
  }

  demi::Runtime& runtime;
  Worker& worker;
  int fd;
  bool durable;
  bool closed = false;
  off_t end;
  off_t cursor = 0;
  OpList pushes;
  OpList pops;
};

// What the descriptor table owns; the file lives on while the thread has a job of it.
class FileHandle final : public demi::Queue {
 public:
  FileHandle(demi::Runtime& runtime, std::shared_ptr<FileQueue> file) : Queue(runtime), file_(std::move(file)) {}

  void push(Op& op) override {
    file_->pushes.push_back(op);
    file_->start_write();
  }
  void pop(Op& op) override {
    file_->pops.push_back(op);
    file_->start_read();
  }
  bool cancel(Op& op) override {
    if (op.started) return false;
    (op.code == demi::layout::kOpPush ? file_->pushes : file_->pops).remove(op);
    return true;
  }
  void close(std::unique_ptr<Queue>) override {
    file_->closed = true;
    runtime_.fail_all(file_->pushes, -ECANCELED);
    runtime_.fail_all(file_->pops, -ECANCELED);
  }

 private:
  std::shared_ptr<FileQueue> file_;
};

void Worker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    // What was begun is done: its memory is the arena's.
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    const int fd = job.queue->fd;
    job.result =
        job.writes ? ::pwritev(fd, job.pieces, job.count, job.offset) : ::preadv(fd, job.pieces, job.count, job.offset);
    if (job.result < 0 || (job.durable && ::fdatasync(fd) != 0)) job.result = -errno;
    lock.lock();
    done_.push_back(std::move(job));
    ::eventfd_write(done_fd_, 1);
  }
}

class ScratchEngine final : public demi::Engine {
 public:
  ScratchEngine(demi::Runtime& runtime, std::string folder) : runtime_(runtime), folder_(std::move(folder)) {}

  const char* name() const override { return "thread"; }
  std::uint8_t provides() const override { return demi::kFiles; }
  std::unique_ptr<demi::Queue> open(const demi::FileRequest& request, int& error) override {
    const int fd = ::open((folder_ + "/" + request.path).c_str(), request.flags | O_CLOEXEC, request.mode);
    if (fd < 0) {
      error = -errno;
      return nullptr;
    }
    auto file = std::make_shared<FileQueue>(runtime_, *worker_, fd, request.durable);
    return std::make_unique<FileHandle>(runtime_, std::move(file));
  }
  int unlink(const std::string& path) override { return ::unlink((folder_ + "/" + path).c_str()) == 0 ? 0 : -errno; }
  bool map(std::span<std::uint8_t> memory, demi::Failure&) override {
    mapped_ = memory.size();
    return true;
  }
  void poll() override {
    for (const Job& job : worker_->finished()) {
      ++jobs_;
      job.queue->finish(job);
    }
  }
  int sleep_fd() override { return worker_->fd(); }
  int prepare_sleep() override { return worker_->any_finished() ? 0 : -1; }
  void stats(const demi::StatSink& sink) const override {
    sink("jobs", static_cast<double>(jobs_));
    sink("mappedBytes", static_cast<double>(mapped_));
  }

 private:
  demi::Runtime& runtime_;
  std::string folder_;
  std::unique_ptr<Worker> worker_ = std::make_unique<Worker>();
  std::uint64_t jobs_ = 0;
  std::size_t mapped_ = 0;
};

class ScratchDevice final : public demi::Device {
 public:
  explicit ScratchDevice(std::string folder) : folder_(std::move(folder)) {}
  std::unique_ptr<demi::Engine> start(demi::Runtime& runtime, demi::Failure&) override {
    return std::make_unique<ScratchEngine>(runtime, folder_);
  }

 private:
  std::string folder_;
};

std::unique_ptr<demi::Device> open_device(const demi::Config& config, demi::Failure& failure) {
  std::string folder = ".";
  demi::ConfigReader read(config, failure);
  read.text("folder", folder);
  return read ? std::make_unique<ScratchDevice>(std::move(folder)) : nullptr;
}

#ifndef STALE_BUILD
#define STALE_BUILD DEMI_BUILD_HASH
#endif
#define TEXT_OF(name) #name
#define NAME_OF(name) TEXT_OF(name)
constexpr demi::addon::EngineModule engine_module{
    .build = STALE_BUILD, .name = NAME_OF(ADDON_NAME), .open = open_device};

}  // namespace

NAPI_MODULE_INIT() { return demi::addon::init(env, exports, engine_module, demi::addon::open_call<engine_module>); }
