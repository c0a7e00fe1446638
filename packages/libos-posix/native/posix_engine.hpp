// The posix libOS: sockets through a driver, files through a worker thread.
#pragma once

#include <memory>
#include <string>

#include "demi/runtime.hpp"
#include "driver.hpp"
#include "file_queue.hpp"
#include "file_worker.hpp"

namespace demi::posix {

class PosixEngine final : public Engine {
 public:
  // The factory the addon is built on. config["engine"]: "auto" (io_uring where the kernel allows it, else epoll),
  // "io_uring", "epoll".
  static std::unique_ptr<Engine> make(Runtime& runtime, const Config& config, std::string& message, int& error);

  // The same over a given driver.
  using DriverFactory = std::unique_ptr<Driver> (*)(Context& context, std::string& message, int& error);
  static std::unique_ptr<Engine> make_over(Runtime& runtime, DriverFactory open, std::string& message, int& error);

  const char* name() const override { return driver_->name(); }
  std::unique_ptr<Queue> socket(const SocketRequest& request, int& error) override;
  std::unique_ptr<Queue> open(const FileRequest& request, int& error) override;
  void poll(std::uint32_t wait_us) override;
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

}  // namespace demi::posix
