#include "dpdk_engine.hpp"

#include <atomic>
#include <limits>
#include <string>
#include <utility>

#include "lwip_stack.hpp"
#include "tcp_socket.hpp"
#include "udp_socket.hpp"

namespace demi::dpdk {

namespace {

// Without huge pages EAL's memory is fixed when it starts: the arena, the send buffers, queues and DPDK's own.
constexpr std::size_t kOwnMegabytes = 96;

// EAL, lwIP and the memory of the arena are the process's: they serve one libOS at a time, whichever thread it belongs to.
std::atomic_flag claimed = ATOMIC_FLAG_INIT;
struct Claim {
  ~Claim() { claimed.clear(); }
};

class DpdkDevice final : public Device {
 public:
  explicit DpdkDevice(Options options) : options_(std::move(options)) {}

  bool plan(Limits& limits, Failure& failure) override {
    const std::uint32_t frame = options_.port.mtu + Port::kEthernetHeader + 4;  // and a VLAN tag
    receive_ = receive_slots(options_.receive_buffers, frame);
    if (receive_.capacity > std::numeric_limits<std::uint16_t>::max()) {  // what an mbuf can say of its room
      failure.refuse(-EINVAL, "mtu is " + std::to_string(options_.port.mtu) + ": no buffer is that large");
      return false;
    }
    region_ = limits.add_region(receive_);
    limits.provider = this;
    return true;
  }

  std::shared_ptr<Mapping> memory(std::size_t bytes, Failure& failure) override {
    options_.eal.megabytes = (bytes >> 20) + kOwnMegabytes;
    if (failure.error = start_eal(options_.eal, failure.message); failure.error != 0) return nullptr;
    auto memory = eal_memory(bytes);
    return memory ? std::move(memory) : failure.refuse(-ENOMEM, "no memory for an arena of this size");
  }

  std::unique_ptr<Engine> start(Runtime& runtime, Failure& failure) override {
    return DpdkEngine::start(runtime, options_, region_, receive_, failure);
  }

 private:
  Claim claim_;
  Options options_;
  DeviceSlots receive_;
  Region region_ = 0;
};

}  // namespace

std::unique_ptr<Device> open_device(const Config& config, Failure& failure) {
  Options options;
  if (!read_options(config, options, failure)) return nullptr;
  if (claimed.test_and_set())
    return failure.refuse(
        -EBUSY, "this process has a libOS of the dpdk backend open: there can be one at a time, destroy() it first");
  return std::make_unique<DpdkDevice>(std::move(options));
}

std::unique_ptr<Engine> DpdkEngine::start(Runtime& runtime, const Options& options, Region region,
                                          const DeviceSlots& receive, Failure& failure) {
  std::unique_ptr<DpdkEngine> engine(new DpdkEngine());
  engine->port_ = Port::open(options.port, runtime.arena(), region, receive, failure);
  if (!engine->port_) return nullptr;
  engine->stack_ = LwipStack::open(runtime.arena(), *engine->port_, options.stack, failure.message, failure.error);
  if (!engine->stack_) return nullptr;
  engine->context_ = std::make_unique<Context>(runtime, *engine->stack_);
  return engine;
}

DpdkEngine::~DpdkEngine() = default;

std::unique_ptr<Queue> DpdkEngine::socket(const SocketRequest& request, int& error) {
  error = -ENOBUFS;
  if (request.kind == SocketKind::kStream) {
    auto connection = stack_->connection(request.family);
    return connection ? std::make_unique<TcpSocket>(*context_, std::move(connection), request) : nullptr;
  }
  auto endpoint = stack_->endpoint(request.family);
  return endpoint ? std::make_unique<UdpSocket>(*context_, std::move(endpoint), request) : nullptr;
}

// Before anything else is looked at: somebody waits for it.
void DpdkEngine::transmit() {
  for (TcpSocket* socket : context_->awaiting_output) socket->output();
  context_->awaiting_output.clear();
  stack_->transmit();
}

void DpdkEngine::poll() {
  transmit();
  if (stack_->poll()) last_arrival_ = Port::cycles();
  context_->retries.run();
}

int DpdkEngine::prepare_sleep() {
  return context_->retries.any_soon() || Port::cycles() - last_arrival_ < busy_for_ ? 0 : 1;
}

void DpdkEngine::stats(const StatSink& sink) const {
  sink("badMessages", static_cast<double>(context_->bad_messages + context_->bad_datagrams));
  sink("acceptPaused", static_cast<double>(context_->accept_paused));
  sink("unpopped", static_cast<double>(context_->unpopped));
  sink("hugePages", eal_has_huge_pages() ? 1 : 0);
  stack_->stats(sink);
  port_->stats(sink);
}

}  // namespace demi::dpdk
