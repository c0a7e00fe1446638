// A file by io_uring.
#pragma once

#include <liburing.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "file.hpp"

namespace demi::spdk {

class UringDevice final : public BlockDevice {
 public:
  // Takes the file over; nullptr, with why, where the kernel has no io_uring or forbids it: the file is then still the caller's.
  static std::unique_ptr<UringDevice> open(File& file, std::string& why);
  ~UringDevice() override;

  const char* name() const override { return "io_uring"; }
  const Geometry& geometry() const override { return file_.geometry(); }
  std::vector<Range> untouched() const override { return file_.untouched(); }
  void submit(Transfer& transfer) override;
  void poll() override;
  void wait(std::uint32_t us) override;
  std::uint8_t* allocate(std::size_t bytes) override;
  void release(std::uint8_t* memory, std::size_t bytes) override;
  bool busy() const override { return under_way_ != 0 || first_ != nullptr; }
  int sleep_fd() override { return event_; }
  int prepare_sleep() override;
  void end_sleep() override;
  void stats(const StatSink& sink) const override;

 private:
  static constexpr unsigned kEntries = 128;
  static constexpr unsigned kMostRegistered = 64;

  UringDevice() = default;
  bool prepare(Transfer& transfer);
  void fill();
  void reap();
  bool kernel_wants_entering() const;
  int registered(const iovec& piece) const;

  File file_;
  io_uring ring_{};
  bool opened_ = false;
  int event_ = -1;
  Transfer* first_ = nullptr;  // those that are not with the kernel yet
  Transfer* last_ = nullptr;
  unsigned under_way_ = 0;
  // Memory that the kernel keeps pinned (io_uring_register(2), IORING_REGISTER_BUFFERS2), by its number.
  std::vector<std::span<std::uint8_t>> registered_;
  std::uint64_t enters_ = 0;
};

}  // namespace demi::spdk
