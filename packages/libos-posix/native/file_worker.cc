#include "file_worker.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "file_queue.hpp"

namespace demi {

// ---- the work, on the worker thread -----------------------------------------------------------------------------------

void FileJob::perform() {
  done = 0;
  error = 0;
  iovec* at = iov.data();
  int left = iovecs;
  while (left > 0) {
    ssize_t n = 0;
    switch (kind) {
      case Kind::kRead:
        n = ::preadv(fd, at, left, offset);
        break;
      case Kind::kWrite:
        n = ::pwritev(fd, at, left, offset + done);
        break;
      case Kind::kAppend:
        n = ::writev(fd, at, left);
        break;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      error = -errno;
      break;
    }
    done += n;
    if (kind == Kind::kRead) return;
    if (n == 0) {  // no reason given and no progress: not to be tried for ever
      error = -EIO;
      break;
    }
    for (auto rest = static_cast<std::size_t>(n); rest > 0;) {
      const std::size_t step = std::min(rest, at->iov_len);
      at->iov_base = static_cast<std::uint8_t*>(at->iov_base) + step;
      at->iov_len -= step;
      rest -= step;
      if (at->iov_len == 0) {
        ++at;
        --left;
      }
    }
  }
  if (kind == Kind::kAppend) {
    end = ::lseek(fd, 0, SEEK_CUR);
    if (end < 0) end = offset + done;  // a device without a position
  }
}

void FileWorker::run() {
  pthread_setname_np(pthread_self(), "demi-files");
  for (;;) {
    while (::sem_wait(&wake_) != 0) {
    }
    FileJob* job = jobs_.pop();
    if (job == nullptr) {
      if (stop_.load(std::memory_order_acquire)) return;
      continue;
    }
    if (stop_.load(std::memory_order_acquire)) {
      job->done = 0;
      job->error = -ECANCELED;
    } else {
      job->perform();
    }
    results_.push(job);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        ::write(eventfd_, &one, sizeof one);  // at most kRing unread: cannot be full
  }
}

// ---- the rings ------------------------------------------------------------------------------------------------------

void FileWorker::Ring::push(FileJob* job) {
  const std::uint32_t at = tail.load(std::memory_order_relaxed);
  slots[at % kRing] = job;
  tail.store(at + 1, std::memory_order_release);
}

FileJob* FileWorker::Ring::pop() {
  if (empty()) return nullptr;
  const std::uint32_t at = head.load(std::memory_order_relaxed);
  FileJob* job = slots[at % kRing];
  head.store(at + 1, std::memory_order_release);
  return job;
}

// ---- the owner's side ---------------------------------------------------------------------------------------------------

FileWorker::FileWorker(Runtime& runtime) : runtime_(runtime), eventfd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (eventfd_ < 0) eventfd_error_ = -errno;
  ::sem_init(&wake_, 0, 0);
}

FileWorker::~FileWorker() {
  if (thread_.joinable()) {
    stop_.store(true, std::memory_order_release);
    ::sem_post(&wake_);
    thread_.join();
  }
  while (FileJob* job = results_.pop()) take_result(*job);
  closing_.clear();
  ::sem_destroy(&wake_);
  if (eventfd_ >= 0) ::close(eventfd_);
}

int FileWorker::poll() {
  int taken = 0;
  if (unsignalled_ != 0 || !results_.empty()) {
    // First the signal, then the results: a signal read here stands for a result that is already in the ring.
    std::uint64_t signals = 0;
    if (::read(eventfd_, &signals, sizeof signals) == sizeof signals)
      unsignalled_ -= static_cast<std::int64_t>(signals);
    // What finishes while this runs is for the next turn: work per turn is bounded.
    for (std::uint32_t n = in_flight_; n > 0; --n) {
      FileJob* job = results_.pop();
      if (job == nullptr) break;
      ++taken;
      ++unsignalled_;
      take_result(*job);
    }
  }
  if (!waiting_.empty() && (taken != 0 || runtime_.arena().releases() != releases_seen_)) retry_waiting();
  return taken;
}

bool FileWorker::work_waiting() const {
  return !results_.empty() || (!waiting_.empty() && runtime_.arena().releases() != releases_seen_);
}

void FileWorker::take_result(FileJob& job) {
  --in_flight_;
  ++jobs_done_;
  FileQueue* queue = job.queue;
  queue->finish();
  std::erase_if(closing_, [&](const auto& kept) { return kept.get() == queue; });
}

void FileWorker::retry_waiting() {
  releases_seen_ = runtime_.arena().releases();
  retrying_.swap(waiting_);
  for (FileQueue* queue : retrying_) queue->start();  // may go back to waiting_
  retrying_.clear();
}

int FileWorker::ready() {
  if (in_flight_ >= kRing) return -EAGAIN;
  return thread_.joinable() ? 0 : start_thread();
}

void FileWorker::submit(FileJob& job) {
  ++in_flight_;
  jobs_.push(&job);
  ::sem_post(&wake_);
}

int FileWorker::start_thread() {
  // Signals are for the thread that runs JavaScript.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& failure) {
    error = failure.code().value() != 0 ? -failure.code().value() : -EAGAIN;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error == -EAGAIN ? -ENOMEM : error;  // EAGAIN means "try again later" to the caller, and nothing says when
}

namespace {

constexpr int kAllowedFlags = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_SYNC | O_DSYNC | O_NOFOLLOW |
                              O_NOATIME | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_LARGEFILE;

// A file that was just made is durable once its directory is.
int sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  const int error = ::fsync(fd) != 0 && errno != EINVAL ? -errno : 0;  // EINVAL: a file system that has nothing to sync
  ::close(fd);
  return error;
}

}  // namespace

std::unique_ptr<Queue> FileWorker::open(const FileRequest& request, int& error) {
  error = eventfd_error_;
  if (error != 0) return nullptr;
  if ((request.flags & ~kAllowedFlags) != 0 || request.path.find('\0') != std::string::npos) {
    error = -EINVAL;
    return nullptr;
  }
  // O_NONBLOCK: opening a pipe must not wait for its other end, reading a terminal must not hold up the worker. Plain files take
  // no notice of it.
  const int flags = request.flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (request.durable ? O_DSYNC : 0);
  int fd;
  do {
    fd = ::open(request.path.c_str(), flags, static_cast<mode_t>(request.mode & 07777));
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    error = -errno;
    return nullptr;
  }
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    error = -errno;
  } else if (S_ISDIR(status.st_mode)) {
    error = -EISDIR;
  } else if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode) && !S_ISCHR(status.st_mode)) {
    error = -ESPIPE;
  } else if (request.durable && (flags & O_CREAT) != 0) {
    error = sync_directory_of(request.path);
  }
  if (error != 0) {
    ::close(fd);
    return nullptr;
  }
  ++open_files_;
  return std::make_unique<FileQueue>(runtime_, *this, fd, (flags & O_APPEND) != 0);
}

int FileWorker::unlink(const std::string& path) {
  if (path.find('\0') != std::string::npos) return -EINVAL;
  return ::unlink(path.c_str()) == 0 ? 0 : -errno;
}

void FileWorker::stats(const StatSink& sink) const {
  sink("openFiles", open_files_);
  sink("fileJobs", static_cast<double>(jobs_done_));
  sink("fileJobsInFlight", in_flight_);
}

}  // namespace demi
