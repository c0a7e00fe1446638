#include "dpdk_engine.hpp"

#include <atomic>

#include "lwip_stack.hpp"
#include "tcp_socket.hpp"
#include "udp_socket.hpp"

namespace demi::dpdk {

namespace {

// Without huge pages EAL's memory is fixed when it starts: the arena, the send buffers, queues and DPDK's own.
constexpr std::size_t kOwnMegabytes = 96;

// The receive buffers of the libOS that is being opened: prepare() decides, make() uses.
thread_local DeviceSlots opening;

// EAL, lwIP and the memory of the arena are the process's: they serve one libOS at a time, whichever thread it belongs to.
std::atomic_flag claimed = ATOMIC_FLAG_INIT;
struct Claim {
  ~Claim() { claimed.clear(); }
};

}  // namespace

bool DpdkEngine::prepare(Limits& limits, const Config& config, std::string& message, int& error) {
  Options options;
  if (error = read_options(config, options, message); error != 0) return false;
  if (claimed.test_and_set()) {
    message = "this process has a libOS of the dpdk backend open: there can be one at a time, destroy() it first";
    error = -EBUSY;
    return false;
  }
  // Goes with the limits, of which the runtime has a copy: released when that ends, or when opening fails on the way.
  const auto claim = std::make_shared<Claim>();
  const std::uint32_t frame = options.port.mtu + Port::kEthernetHeader + 4;  // and a VLAN tag
  opening = receive_slots(options.receive_buffers, frame);
  std::size_t bytes = opening.bytes;
  for (const auto& c : limits.classes) bytes += static_cast<std::size_t>(c.size) * c.count;
  options.eal.megabytes = (bytes >> 20) + kOwnMegabytes;
  if (error = start_eal(options.eal, message); error != 0) return false;
  limits.device = opening;
  limits.memory = [claim, memory = eal_memory()](std::size_t size) { return memory(size); };
  return true;
}

std::unique_ptr<Engine> DpdkEngine::make(Runtime& runtime, const Config& config, std::string& message, int& error) {
  Options options;
  if (error = read_options(config, options, message); error != 0) return nullptr;
  std::unique_ptr<DpdkEngine> engine(new DpdkEngine(runtime));
  engine->port_ = Port::open(options.port, runtime.arena(), opening, message, error);
  if (!engine->port_) return nullptr;
  engine->stack_ = LwipStack::open(runtime.arena(), *engine->port_, options.stack, message, error);
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
void DpdkEngine::flush() {
  for (TcpSocket* socket : context_->awaiting_output) socket->output();
  context_->awaiting_output.clear();
  stack_->transmit();
}

// True when something arrived.
bool DpdkEngine::turn() {
  flush();
  const bool arrived = stack_->poll();
  context_->retries.run();
  return arrived;
}

void DpdkEngine::poll(std::uint32_t wait_us) {
  bool arrived = turn();
  if (wait_us != 0 && !runtime_.completions_waiting()) {
    const auto end = Clock::now() + std::chrono::microseconds(wait_us);
    do {
      if (turn()) arrived = true;
    } while (!runtime_.completions_waiting() && Clock::now() < end);
  }
  if (arrived) last_arrival_ = Port::cycles();
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
