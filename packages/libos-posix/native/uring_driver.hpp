// The io_uring driver: one ring, entered about once per poll, whatever the number of sockets.
//
// Stream sockets put their requests in; everything else (listeners, datagrams, connects, the file worker) is told about
// readiness by poll requests and makes its calls directly.
#pragma once

#include <liburing.h>

#include <string>

#include "buffer_ring.hpp"
#include "driver.hpp"
#include "uring_probe.hpp"
#include "uring_stream.hpp"

namespace demi::posix {

class UringDriver final : public Driver {
 public:
  // nullptr when this kernel has no io_uring that will do, or forbids it: the reason in `message` and `error`.
  static std::unique_ptr<UringDriver> open(Context& context, const RingParameters& parameters, std::string& message,
                                           int& error);
  ~UringDriver() override;

  const char* name() const override { return "io_uring"; }
  std::unique_ptr<StreamSocket> stream(int fd, const SocketRequest& request) override;
  int accept_flags() const override { return 0; }
  int watch(Pollable& pollable, int fd) override;
  int watch_signal(Pollable& pollable, int eventfd) override;
  int watch_writable(Pollable& pollable, int fd) override { return poll_writable(pollable, fd); }
  void on_writable_seen(Pollable&, int) override {}
  void close_watched(Pollable& pollable, int fd) override;
  void poll(std::uint32_t wait_us) override;
  int sleep_fd() override { return sleep_; }
  int prepare_sleep() override;
  void end_sleep() override;
  void stats(const StatSink& sink) const override;

  // ---- for UringStream ----------------------------------------------------------------------------------------------

  // What a completion is about: the low bits of its user data, above them the object's address. 0 is for nobody.
  enum class Tag : std::uint64_t { kReceive = 1, kSend = 2, kWatch = 3, kWritable = 4 };
  static constexpr std::uint64_t kTagMask = 7;
  static std::uint64_t tagged(const void* object, Tag tag) {
    return reinterpret_cast<std::uint64_t>(object) | static_cast<std::uint64_t>(tag);
  }

  // An empty request, submitting what is full; nullptr when the kernel takes none now.
  io_uring_sqe* request();
  void work_later(UringStream& stream) { work_.push_back(stream); }
  BufferRing& small_buffers() { return *small_; }
  BufferRing& large_buffers() { return *large_; }
  bool multishot_allowed() const { return multishot_allowed_; }
  void on_multishot_began(UringStream& stream) { multishot_.push_back(stream); }
  SendFrame* take_frame();
  void return_frame(SendFrame* frame) { frames_.emplace_back(frame); }
  // One report when `fd` is writable.
  int poll_writable(Pollable& pollable, int fd);
  void forget(Pollable& pollable);
  void on_closing(UringStream& stream) { closing_.push_back(stream); }
  // Ends the requests of a descriptor and closes it, so that the peer sees it now, not with the next poll.
  void cancel_and_close(int fd);
  void close_descriptor(int fd);

 private:
  static constexpr unsigned kBatch = 1024;  // completions handled per poll

  // Poll requests of one Pollable; outlives it until the kernel has ended them.
  struct Watch : ListHook<Watch> {
    Pollable* owner = nullptr;
    int fd = -1;
    int requests = 0;
  };

  explicit UringDriver(Context& context) : context_(context) {}
  int setup(const RingParameters& parameters, std::string& message);
  bool enter(std::uint32_t wait_us);
  unsigned reap();
  void handle(const io_uring_cqe& cqe);
  void on_watch_event(Watch& watch, Tag tag, int result, bool more);
  void prepare_work();
  void bound_unpopped();
  int arm(Watch& watch, bool writable);
  int sleep_on(int fd);
  Watch& watch_of(Pollable& pollable, int fd);
  bool kernel_has_work() const;

  Context& context_;
  io_uring ring_{};
  bool opened_ = false;
  bool reaping_ = false;
  bool multishot_allowed_ = true;
  int eventfd_ = -1;  // the ring's: signalled for completions while toggled on
  int sleep_ = -1;    // epoll of eventfd_ and of what watch_signal() was given
  std::uint32_t unpopped_limit_ = 0;
  std::unique_ptr<BufferRing> small_;
  std::unique_ptr<BufferRing> large_;
  List<UringStream, WorkTag> work_;
  List<UringStream, MultishotTag> multishot_;
  List<UringStream, ClosingTag> closing_;
  List<Watch> watches_;
  std::vector<std::unique_ptr<SendFrame>> frames_;
  std::vector<int> late_closes_;  // descriptors that requests not yet submitted still name
  std::uint64_t enters_ = 0;
};

}  // namespace demi::posix
