// The posix libOS: sockets through a driver, files through a worker thread.
#pragma once

#include <memory>
#include <string>

#include "demi/config.hpp"
#include "demi/runtime.hpp"
#include "driver.hpp"
#include "file_queue.hpp"
#include "file_worker.hpp"

namespace demi::posix {

class PosixEngine final : public Engine {
 public:
  using DriverFactory = std::unique_ptr<Driver> (*)(Context& context, std::string& message, int& error);
  static std::unique_ptr<Engine> start(Runtime& runtime, DriverFactory open, Failure& failure);

  const char* name() const override { return driver_->name(); }
  std::uint8_t provides() const override { return kStreams | kDatagrams | kFiles; }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  std::unique_ptr<Queue> open(const FileRequest& request, int& error) override;
  int unlink(const std::string& path) override;
  void poll() override;
  bool wait(std::uint32_t us) override;
  int sleep_fd() override { return driver_->sleep_fd(); }
  int prepare_sleep() override;
  void end_sleep() override { driver_->end_sleep(); }
  void stats(const StatSink& sink) const override;

  explicit PosixEngine(Runtime& runtime) : context_(runtime), files_(runtime) {}

 private:
  class FileEvents final : public Pollable {
   public:
    explicit FileEvents(FileWorker& files) : files_(files) {}
    void on_ready(std::uint32_t) override { files_.poll(); }

   private:
    FileWorker& files_;
  };

  Context context_;
  FileWorker files_;
  FileEvents file_events_{files_};
  std::unique_ptr<Driver> driver_;
};

// For DEMI_ADDON. config["engine"]: "auto" (io_uring where the kernel allows it, else epoll), "io_uring", "epoll".
std::unique_ptr<Device> open_device(const Config& config, Failure& failure);

}  // namespace demi::posix
