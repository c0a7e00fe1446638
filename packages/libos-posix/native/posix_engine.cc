#include "posix_engine.hpp"

#include "datagram_socket.hpp"
#include "epoll_driver.hpp"
#include "socket_options.hpp"
#include "stream_socket.hpp"
#include "uring_driver.hpp"

namespace demi::posix {

namespace {

std::unique_ptr<Driver> open_uring(Context& context, std::string& message, int& error) {
  return UringDriver::open(context, RingParameters{}, message, error);
}

std::unique_ptr<Driver> open_epoll(Context& context, std::string& message, int& error) {
  return EpollDriver::open(context, message, error);
}

std::unique_ptr<Driver> open_either(Context& context, std::string& message, int& error) {
  std::unique_ptr<Driver> uring = open_uring(context, message, error);
  return uring ? std::move(uring) : open_epoll(context, message, error);
}

// The kernel is always there: what there is to open is a driver, and that needs the arena.
class PosixDevice final : public Device {
 public:
  explicit PosixDevice(PosixEngine::DriverFactory open) : open_(open) {}
  std::unique_ptr<Engine> start(Runtime& runtime, Failure& failure) override {
    return PosixEngine::start(runtime, open_, failure);
  }

 private:
  PosixEngine::DriverFactory open_;
};

}  // namespace

std::unique_ptr<Device> open_device(const Config& config, Failure& failure) {
  PosixEngine::DriverFactory open = open_either;
  ConfigReader reader(config, failure);
  reader.choice<PosixEngine::DriverFactory>(
      "engine", {{"auto", open_either}, {"io_uring", open_uring}, {"epoll", open_epoll}}, open);
  return reader ? std::make_unique<PosixDevice>(open) : nullptr;
}

std::unique_ptr<Engine> PosixEngine::start(Runtime& runtime, DriverFactory open, Failure& failure) {
  auto engine = std::make_unique<PosixEngine>(runtime);
  engine->driver_ = open(engine->context_, failure.message, failure.error);
  if (!engine->driver_) return nullptr;
  engine->context_.driver = engine->driver_.get();
  if (const int fd = engine->files_.eventfd(); fd >= 0) {
    if (const int error = engine->driver_->watch_signal(engine->file_events_, fd); error != 0)
      return failure.refuse(error, "the file worker's eventfd cannot be watched");
  }
  return engine;
}

std::unique_ptr<Queue> PosixEngine::socket(const SocketRequest& request, int& error) {
  const int fd = open_socket(request.kind, request.family);
  if (fd < 0) {
    error = fd;
    return nullptr;
  }
  if (request.kind == SocketKind::kStream) return driver_->stream(fd, request);
  auto socket = std::make_unique<DatagramSocket>(context_, fd, request);
  error = socket->start();
  if (error != 0) socket.reset();
  return socket;
}

std::unique_ptr<Queue> PosixEngine::open(const FileRequest& request, int& error) { return files_.open(request, error); }

int PosixEngine::unlink(const std::string& path) { return FileWorker::unlink(path); }

void PosixEngine::poll() {
  files_.poll();
  driver_->poll(0);
}

bool PosixEngine::wait(std::uint32_t us) {
  files_.poll();
  driver_->poll(us);
  return true;
}

int PosixEngine::prepare_sleep() { return files_.work_waiting() ? 0 : driver_->prepare_sleep(); }

void PosixEngine::stats(const StatSink& sink) const {
  const Context::Counters& c = context_.counters;
  sink("acceptPaused", static_cast<double>(c.accept_paused));
  sink("receiveStarved", static_cast<double>(c.receive_starved));
  sink("datagramsTooLarge", static_cast<double>(c.datagrams_too_large));
  sink("badMessages", static_cast<double>(context_.bad_messages + c.bad_datagrams));
  sink("closingSlowly", context_.farewells.under_way());
  files_.stats(sink);
  driver_->stats(sink);
}

}  // namespace demi::posix
