#include "rdma_engine.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "datagram_socket.hpp"
#include "libfabric.hpp"
#include "rdm_fabric.hpp"
#include "rdma_socket.hpp"
#include "registration_cache.hpp"
#include "signal_handlers.hpp"

namespace demi::rdma {

namespace {

class RdmaDevice final : public Device {
 public:
  explicit RdmaDevice(Options options) : options_(std::move(options)) {}

  bool plan(Limits& limits, Failure& failure) override {
    const std::uint64_t largest = std::uint64_t{limits.classes.back().size} * layout::kMaxSegments;
    if (options_.most_message > largest) {
      failure.refuse(-EINVAL, "maxMessage is " + std::to_string(options_.most_message) +
                                  ", but the arena has at most " + std::to_string(largest) +
                                  " bytes for one message (option \"arena\")");
      return false;
    }
    region_ = limits.add_region(Buffers::slots(options_.receives, options_.buffer));
    return true;
  }

  std::unique_ptr<Engine> start(Runtime& runtime, Failure& failure) override {
    return RdmaEngine::start(runtime, options_, region_, failure);
  }

 private:
  Options options_;
  Region region_ = 0;
};

}  // namespace

std::unique_ptr<Device> open_device(const Config& config, Failure& failure) {
  Options options;
  if (!read_options(config, options, failure)) return nullptr;
  return std::make_unique<RdmaDevice>(std::move(options));
}

std::unique_ptr<Engine> RdmaEngine::start(Runtime& runtime, Options options, Region region, Failure& failure) {
  options.fabric.receives_per_endpoint = options.credits + Connection::kSpare;
  options.fabric.works = options.receives + Buffers::kSends;
  std::unique_ptr<RdmaEngine> engine(new RdmaEngine());
  disable_registration_cache();
  const KeptSignalHandlers handlers;
  if (options.fabric.provider == "shm") {
    engine->fabric_ = RdmFabric::open(options.fabric, options.buffer, failure.message, failure.error);
  } else {
    engine->fabric_ = Libfabric::open(options.fabric, failure.message, failure.error);
  }
  if (!engine->fabric_) return nullptr;
  const DeviceSlots receives = Buffers::slots(options.receives, options.buffer);
  engine->buffers_ = std::make_unique<Buffers>(runtime.arena(), region, receives);
  engine->context_ = std::make_unique<Context>(runtime, *engine->fabric_, *engine->buffers_);
  engine->context_->most_claimed = engine->fabric_->most_works() - Buffers::kSends;
  engine->context_->credits = options.credits;
  engine->context_->most_message = options.most_message;
  return engine;
}

bool RdmaEngine::map(std::span<std::uint8_t> memory, Failure& failure) {
  failure.error = fabric_->register_memory(memory);
  if (failure.error == 0) return true;
  failure.message =
      "the memory of the arena, " + std::to_string(memory.size() >> 20) +
      " MiB, cannot be registered with the device: is the limit on locked memory (ulimit -l) large enough?";
  return false;
}

RdmaEngine::~RdmaEngine() {
  if (!context_) return;
  // The goodbyes that were under way get a moment.
  const auto end = Connection::Clock::now() + std::chrono::milliseconds(100);
  while (!context_->leaving.empty() && Connection::Clock::now() < end) turn();
  context_->leaving.clear();
}

std::unique_ptr<Queue> RdmaEngine::socket(const SocketRequest& request, int& error) {
  error = -EPROTONOSUPPORT;
  const bool datagrams = request.kind == SocketKind::kDatagram;
  if (datagrams && fabric_->most_datagram() == 0) return nullptr;
  error = -EINVAL;
  if (request.framing != Framing::kStream) return nullptr;
  if (datagrams) return std::make_unique<DatagramSocket>(*context_, request);
  return std::make_unique<RdmaSocket>(*context_, request.family);
}

bool RdmaEngine::turn() {
  const bool any = fabric_->poll();
  if (any) busy_ = true;
  if (any || !at_rest()) tend();
  return any;
}

// Nothing is to be done but what the fabric finds.
bool RdmaEngine::at_rest() const {
  return context_->retries.empty() && context_->leaving.empty() && context_->pending.empty();
}

void RdmaEngine::tend() {
  context_->retries.run();
  if (!context_->leaving.empty() || !context_->pending.empty()) [[unlikely]]
    sweep();
}

void RdmaEngine::sweep() {
  const auto now = Connection::Clock::now();
  const auto late = [&](Connection* connection) { return connection->deadline() < now; };
  while (true) {
    // Each changes the list.
    const auto found = std::ranges::find_if(context_->pending, late);
    if (found == context_->pending.end()) break;
    (*found)->time_out();
  }
  std::erase_if(context_->leaving, [](const auto& connection) { return connection->gone(); });
}

void RdmaEngine::poll() {
  // Another look costs less than the way to the application and back.
  for (int look = 0; look < kLooks; ++look) {
    turn();
    if (context_->runtime.completions_waiting()) return;
  }
}

int RdmaEngine::prepare_sleep() {
  // What came before the descriptor was armed does not ring it.
  if (context_->retries.any_soon() || !fabric_->may_wait() || turn()) return 0;
  // Hellos and goodbyes have their time, and nothing else tells when it is over.
  const int due = context_->retries.due_ms();
  // Nothing to sleep on: while something happens the loop goes on, after that it looks once a millisecond.
  if (fabric_->wait_fd() < 0) {
    const auto now = Connection::Clock::now();
    if (std::exchange(busy_, false)) last_event_ = now;
    return now - last_event_ < kBusyFor ? 0 : 1;
  }
  if (context_->leaving.empty() && context_->pending.empty()) return due;
  return due < 0 ? 100 : std::min(due, 100);
}

void RdmaEngine::stats(const StatSink& sink) const {
  const Counters& counters = context_->counters;
  sink("postedReceives", static_cast<double>(context_->posted));
  sink("postedBytes", static_cast<double>(context_->posted * buffers_->receive_bytes()));
  sink("mostPostedReceives", static_cast<double>(context_->most_claimed));
  sink("receivesFree", buffers_->receives_free());
  sink("sendsUnderWay", static_cast<double>(context_->sending));
  sink("leaving", static_cast<double>(context_->leaving.size()));
  sink("creditStalls", static_cast<double>(counters.credit_stalls));
  sink("creditMessages", static_cast<double>(counters.credit_messages));
  sink("badMessages", static_cast<double>(counters.bad_messages));
  sink("requestsRefused", static_cast<double>(counters.refused));
  sink("acceptPaused", static_cast<double>(counters.accept_paused));
  sink("sendFull", static_cast<double>(counters.send_full));
  if (fabric_->most_datagram() != 0) {
    sink("datagramsLost", static_cast<double>(counters.datagrams_lost + fabric_->datagrams_lost()));
  }
  std::uint64_t errors = 0;
  for (const auto& [code, count] : counters.errors) {
    errors += count;
    const char* const name = ::strerrorname_np(code);
    const std::string by_name = std::string("completionErrors.") + (name == nullptr ? std::to_string(code) : name);
    sink(by_name.c_str(), static_cast<double>(count));
  }
  sink("completionErrors", static_cast<double>(errors));
}

}  // namespace demi::rdma
