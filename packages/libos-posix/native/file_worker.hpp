// Storage for an engine: files as queues, and the one thread that does their blocking reads and writes.
//
// The owner thread (JavaScript's) opens files, keeps cursors and completes operations. The worker thread sees descriptors and
// iovecs only, never the Runtime. Two rings of fixed size connect them, one writer and one reader each, so neither waits for a
// lock. A file has at most one job with the worker; that keeps its operations in order and bounds the rings.
//
// An engine holds one FileWorker as a member, adds eventfd() to what it sleeps on, calls poll() from Engine::poll() and forwards
// Engine::open() to open(). The Runtime closes all queues before it destroys the engine, so no file outlives the worker. The thread
// starts with the first operation on a file; an application that uses none has none.
#pragma once

#include <semaphore.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "demi/engine.hpp"

namespace demi {

class FileQueue;
class Runtime;

// One piece of work: a vectored read or write, at `offset` or at the end of the file. Lives in its FileQueue. The worker has it from
// submit() until it comes back through the result ring; the owner keeps its hands off meanwhile.
struct FileJob {
  enum class Kind : std::uint8_t { kRead, kWrite, kAppend };
  static constexpr int kMaxIovecs = 64;

  Kind kind = Kind::kRead;
  int fd = -1;
  off_t offset = 0;
  int iovecs = 0;
  std::array<iovec, kMaxIovecs> iov{};
  // The outcome.
  std::int64_t done = 0;  // bytes moved, also when error is set
  int error = 0;          // negative errno or 0
  off_t end = 0;          // kAppend: where the written bytes end
  FileQueue* queue = nullptr;

  // Does it, blocking: a write until all bytes are taken or an error, a read once.
  void perform();
};

class FileWorker {
 public:
  explicit FileWorker(Runtime& runtime);
  // Waits for the job the thread is in (a read or write of one file), gives the others up, and joins.
  ~FileWorker();
  FileWorker(const FileWorker&) = delete;
  FileWorker& operator=(const FileWorker&) = delete;

  // Engine::open(). Errors are those of open(2), and: EINVAL for a flag that makes no sense here, EISDIR for a directory however
  // it is opened, ESPIPE for a pipe or socket.
  std::unique_ptr<Queue> open(const FileRequest& request, int& error);
  // Engine::unlink(): unlink(2). Files that are open stay readable and writable.
  static int unlink(const std::string& path);

  // Becomes readable when poll() has results to take; -1 when it could not be made (open() then fails with that error).
  int eventfd() const { return eventfd_; }

  // Takes results, completes operations, starts the next jobs. Costs two loads when there is nothing. Returns the results taken.
  int poll();

  // True when poll() has something to do right now: do not sleep.
  bool work_waiting() const;

  // Jobs with the thread: while it is not 0, something will arrive on eventfd().
  std::uint32_t in_flight() const { return in_flight_; }

  void stats(const StatSink& sink) const;

 private:
  friend class FileQueue;
  static constexpr std::uint32_t kRing = 256;  // jobs with the worker at a time, so files busy at once; a power of two

  // One writer, one reader; `tail` belongs to the writer, `head` to the reader. Never full: in_flight_ stays within kRing.
  struct Ring {
    void push(FileJob* job);
    FileJob* pop();  // nullptr: empty
    bool empty() const { return head.load(std::memory_order_relaxed) == tail.load(std::memory_order_acquire); }
    alignas(64) std::atomic<std::uint32_t> head{0};
    alignas(64) std::atomic<std::uint32_t> tail{0};
    std::array<FileJob*, kRing> slots{};
  };

  // ---- for FileQueue, owner thread ----
  // 0: submit() will take a job; -EAGAIN: the ring is full; else why there is no thread.
  int ready();
  void submit(FileJob& job);
  // The queue waits for arena memory or a place in the ring; poll() calls its start().
  void retry_later(FileQueue& queue) { waiting_.push_back(&queue); }
  void forget(FileQueue& queue) { std::erase(waiting_, &queue); }
  // The descriptor was closed while the worker uses the queue's memory: keeps it until the job is back.
  void keep(std::unique_ptr<Queue> queue) { closing_.push_back(std::move(queue)); }
  void file_closed() { --open_files_; }

  int start_thread();
  void take_result(FileJob& job);
  void retry_waiting();

  // ---- worker thread ----
  void run();

  Runtime& runtime_;
  int eventfd_ = -1;
  int eventfd_error_ = 0;
  std::thread thread_;
  sem_t wake_;
  std::atomic<bool> stop_{false};
  Ring jobs_;
  Ring results_;

  // Owner thread only.
  std::uint32_t in_flight_ = 0;
  std::int64_t unsignalled_ = 0;  // results taken whose eventfd write was not yet read
  std::uint64_t releases_seen_ = 0;
  std::vector<FileQueue*> waiting_;
  std::vector<FileQueue*> retrying_;  // swapped with waiting_, so that retrying allocates nothing
  std::vector<std::unique_ptr<Queue>> closing_;
  std::uint32_t open_files_ = 0;
  std::uint64_t jobs_done_ = 0;
};

}  // namespace demi
