// The engines of a libOS, at most four: they are driven, waited for and put to sleep together, so that one wait is over when any of
// their devices has something.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "demi/completion_ring.hpp"
#include "demi/engine.hpp"

namespace demi {

class EngineSet {
 public:
  static constexpr std::size_t kMost = 4;

  explicit EngineSet(const CompletionRing& completions) : completions_(completions) {}
  ~EngineSet();
  EngineSet(const EngineSet&) = delete;
  EngineSet& operator=(const EngineSet&) = delete;

  // `name` is what its counters are told under. The first is the network's. 0 or a negative errno: ENFILE when the set is full.
  int add(std::string name, std::unique_ptr<Engine> engine, std::unique_ptr<Device> device = nullptr);
  // Destroys the engines, the last first; the devices stay until the set dies.
  void end();

  // f(name, engine) for each.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t i = 0; i < size_; ++i) f(members_[i].name, *members_[i].engine);
  }

  // Microseconds of a clock that never goes back. For simulations: another than the system's.
  using Clock = std::int64_t (*)();
  void use_clock(Clock clock) { now_us_ = clock; }

  // New queues: sockets of the first engine that has such, files of the last. On failure nullptr, and in `error` what the first said.
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error);
  std::unique_ptr<Queue> open(const FileRequest& request, int& error);
  // Of the engine that open() asks.
  int unlink(const std::string& path);

  // Moves every device once; waits for any of them, up to `wait_us` microseconds, while there are no completions.
  void turn(std::uint32_t wait_us) {
    if (completions_.waiting() && ++undriven_ < kMostUndriven) return hand_out_first();
    undriven_ = 0;
    if (wait_us == 0 || completions_.waiting()) return poll_all();
    wait(wait_us);
  }

  // As of Engine, for all of them together. prepare_sleep() that returns 0 has ended what it began.
  int sleep_fd() const { return sleep_fd_; }
  int prepare_sleep() {
    bool blind = false;
    return prepare(blind);
  }
  void end_sleep();
  std::uint32_t tend_every_ms() const;

 private:
  struct Member {
    std::string name;
    std::unique_ptr<Device> device;
    std::unique_ptr<Engine> engine;
    int sleep_fd = -1;
    bool polls_memory = false;
  };
  enum class Slept : std::uint8_t { kWoken, kInterrupted, kWorkWaiting, kCannot };

  // If completions are already waiting, deliver them before making another system call: the application's answers go out, and its pops
  // are in place, before the device is asked for more. After a few such turns the device gets its turn all the same.
  static constexpr std::uint32_t kMostUndriven = 3;
  void hand_out_first() {
    for (std::size_t i = 0; i < size_; ++i) {
      Engine& engine = *members_[i].engine;
      members_[i].polls_memory ? engine.poll() : engine.transmit();
    }
  }
  void poll_all() {
    for (std::size_t i = 0; i < size_; ++i) members_[i].engine->poll();
  }
  // Not within turn(), which most calls leave at once.
  [[gnu::noinline]] void wait(std::uint32_t us);
  // Whose files open() opens; nullptr without any engine.
  Engine* files() const;
  int prepare(bool& blind);
  Slept sleep(std::int64_t most_us);
  int watch(int fd);

  static std::int64_t monotonic_us();

  const CompletionRing& completions_;
  Clock now_us_ = monotonic_us;
  std::array<Member, kMost> members_;
  std::size_t size_ = 0;
  std::uint32_t undriven_ = 0;  // turns in a row that did not poll
  int sleep_fd_ = -1;           // of the one engine that has such, or of epoll_
  int epoll_ = -1;              // over the descriptors of several
};

}  // namespace demi
