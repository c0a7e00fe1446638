// The backend's port and stack without the rings, the boundary and JavaScript above them: an echo server and a client on NetStack.
//
//   stack_echo server KEY=VALUE...                                                  says "ready", serves until SIGTERM
//   stack_echo client SERVER-ADDRESS CONNECTIONS BYTES SECONDS SERVER-PID KEY=VALUE...    prints one line of JSON, microseconds
//
// The keys are the backend's options, as its addon takes them.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "config.hpp"
#include "lwip_stack.hpp"

namespace {

using namespace demi;        // NOLINT(google-build-using-namespace): a program of one file
using namespace demi::dpdk;  // NOLINT(google-build-using-namespace)
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kPort = 7;
constexpr std::size_t kMegabytes = 96;
constexpr double kUncountedSeconds = 0.05;

volatile std::sig_atomic_t stopping = 0;

[[noreturn]] void die(const std::string& what, int error = 0) {
  std::fprintf(stderr, "%s%s%s\n", what.c_str(), error != 0 ? ": " : "", error != 0 ? std::strerror(-error) : "");
  std::_Exit(1);
}

// What DpdkEngine is made of, less the sockets.
struct Wire {
  explicit Wire(const Config& config) {
    Failure failure;
    Options options;
    if (!read_options(config, options, failure)) die(failure.message, failure.error);
    const DeviceSlots slots = receive_slots(options.receive_buffers, options.port.mtu + Port::kEthernetHeader + 4);
    options.eal.megabytes = (slots.bytes >> 20) + kMegabytes;
    if (failure.error = start_eal(options.eal, failure.message); failure.error != 0)
      die(failure.message, failure.error);
    lcore = std::make_unique<LcoreOfThread>();
    Limits limits;
    limits.classes = {{4096, 1024}};
    const Region region = limits.add_region(slots);
    descriptors.resize(std::size_t{layout::kSlotWords} * limits.slots());
    arena = std::make_unique<Arena>(limits, descriptors.data(), eal_memory(limits.arena_bytes()));
    port = Port::open(options.port, *arena, region, slots, failure);
    if (!port) die(failure.message, failure.error);
    stack = LwipStack::open(*arena, *port, options.stack, failure.message, failure.error);
    if (!stack) die(failure.message, failure.error);
    address = options.stack.ipv4;
  }

  std::vector<std::int32_t> descriptors;
  std::unique_ptr<LcoreOfThread> lcore;
  std::unique_ptr<Arena> arena;
  std::unique_ptr<Port> port;
  std::unique_ptr<LwipStack> stack;
  Address address;
};

// One connection, either side. What is to be sent is sent after the poll that brought it: events must not call the stack to send.
class Peer : public ConnectionEvents {
 public:
  Peer(Wire& wire, std::unique_ptr<Connection> connection, std::vector<Peer*>& ready)
      : wire_(wire), connection_(std::move(connection)), ready_(ready) {
    connection_->set_events(*this);
    connection_->set_option(SocketOption::kNoDelay, 1);
  }
  virtual ~Peer() = default;

  void on_connected() override {}
  void on_writable() override {}
  void on_ended() override { gone_ = true; }
  void on_failed(int error) override {
    gone_ = true;
    error_ = error;
  }
  void on_received(Sga chunk) override {
    const auto bytes = wire_.arena->bytes_of(chunk);
    owed_.insert(owed_.end(), bytes.begin(), bytes.end());
    wire_.arena->free(chunk);
    connection_->consumed(bytes.size());
    if (!listed_) ready_.push_back(this);
    listed_ = true;
  }
  // Sends what came back.
  virtual void answer() {
    listed_ = false;
    if (!gone_) send(owed_);
    owed_.clear();
  }

  bool gone() const { return gone_; }
  int error() const { return error_; }
  Connection& connection() { return *connection_; }

 protected:
  void send(const std::vector<std::uint8_t>& bytes) {
    if (connection_->write(bytes) != bytes.size()) die("the send buffer is full");
    connection_->output();
  }

  std::vector<std::uint8_t> owed_;
  bool listed_ = false;

 private:
  Wire& wire_;
  std::unique_ptr<Connection> connection_;
  std::vector<Peer*>& ready_;
  bool gone_ = false;
  int error_ = 0;
};

void turn(Wire& wire, std::vector<Peer*>& ready) {
  wire.stack->poll();
  for (Peer* peer : ready) peer->answer();
  ready.clear();
  wire.stack->transmit();
}

class Server : public ListenerEvents {
 public:
  explicit Server(Wire& wire) : wire_(wire) {}
  void on_incoming(std::unique_ptr<Connection> connection) override {
    peers_.push_back(std::make_unique<Peer>(wire_, std::move(connection), ready_));
  }
  bool full(std::size_t) const override { return false; }

  void run() {
    auto listening = wire_.stack->connection(4);
    Address here = wire_.address;
    here.port = kPort;
    if (const int error = listening->bind(here); error != 0) die("bind", error);
    int error = 0;
    const auto listener = wire_.stack->listen(listening, 4096, *this, error);
    if (!listener) die("listen", error);
    std::puts("ready");
    std::fflush(stdout);
    while (stopping == 0) turn(wire_, ready_);
    peers_.clear();
  }

 private:
  Wire& wire_;
  std::vector<Peer*> ready_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

// A closed loop with one message under way.
class Client final : public Peer {
 public:
  Client(Wire& wire, std::unique_ptr<Connection> connection, std::vector<Peer*>& ready, std::size_t bytes,
         std::vector<std::int64_t>& latencies)
      : Peer(wire, std::move(connection), ready), message_(bytes), latencies_(latencies) {
    for (std::size_t i = 0; i < bytes; ++i) message_[i] = static_cast<std::uint8_t>(rand());
  }
  void on_connected() override { connected_ = true; }
  bool is_connected() const { return connected_; }
  void begin() {
    sent_at_ = Clock::now();
    send(message_);
  }
  void answer() override {
    listed_ = false;
    if (gone()) die("the connection ended", error());
    if (owed_.size() < message_.size()) return;
    if (owed_ != message_) die("wrong bytes came back");
    owed_.clear();
    latencies_.push_back((Clock::now() - sent_at_).count());
    ++message_[0];
    begin();
  }

 private:
  std::vector<std::uint8_t> message_;
  std::vector<std::int64_t>& latencies_;
  Clock::time_point sent_at_;
  bool connected_ = false;
};

std::int64_t cpu_nanoseconds(const std::string& pid) {
  std::int64_t value = -1;
  std::ifstream("/proc/" + pid + "/schedstat") >> value;
  if (value < 0) die("the server's CPU time cannot be read");
  return value;
}

void run_for(Wire& wire, std::vector<Peer*>& ready, double seconds) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  while (Clock::now() < end && stopping == 0) {
    for (int i = 0; i < 16; ++i) turn(wire, ready);
  }
}

void run_client(Wire& wire, char** argv) {
  Address to;
  if (Address::parse(argv[2], kPort, to) != 0) die("the server's address");
  const int count = std::atoi(argv[3]);
  const int bytes = std::atoi(argv[4]);
  const double seconds = std::atof(argv[5]);
  if (count < 1 || count > 4096 || bytes < 1 || bytes > 1460 || !(seconds > 0 && seconds <= 60)) die("a number");
  std::vector<std::int64_t> latencies;
  latencies.reserve(static_cast<std::size_t>(seconds * 4e6));
  std::vector<Peer*> ready;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<Client>(wire, wire.stack->connection(4), ready, bytes, latencies));
    if (const int error = clients.back()->connection().connect(to); error != 0) die("connect", error);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  while (!std::ranges::all_of(clients, [](const auto& client) { return client->is_connected(); })) {
    turn(wire, ready);
    if (Clock::now() > deadline) die("not all connections were made within 5 s");
  }
  for (const auto& client : clients) client->begin();
  run_for(wire, ready, kUncountedSeconds);
  latencies.clear();
  const std::int64_t cpu_before = cpu_nanoseconds(argv[6]);
  const auto start = Clock::now();
  run_for(wire, ready, seconds);
  const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  const std::int64_t cpu = cpu_nanoseconds(argv[6]) - cpu_before;
  if (latencies.empty()) die("nothing came back");
  const auto microseconds = [&](double q) {
    const auto at = latencies.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(latencies.size() - 1));
    std::nth_element(latencies.begin(), at, latencies.end());
    return static_cast<double>(*at) / 1000;
  };
  const double p50 = microseconds(0.5);
  const double p99 = microseconds(0.99);
  std::printf("{\"requests\":%zu,\"reqPerSec\":%.1f,\"p50\":%.3f,\"p99\":%.3f,\"serverCpuNs\":%lld}\n",
              latencies.size(), static_cast<double>(latencies.size()) / elapsed, p50, p99, static_cast<long long>(cpu));
}

Config config_from(char** first, char** end) {
  Config config;
  for (; first != end; ++first) {
    const char* const equals = std::strchr(*first, '=');
    if (equals == nullptr) die("an option is KEY=VALUE");
    config[std::string(*first, static_cast<std::size_t>(equals - *first))] = equals + 1;
  }
  return config;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopping = 1; });
  if (argc >= 3 && std::strcmp(argv[1], "server") == 0) {
    Wire wire(config_from(argv + 2, argv + argc));
    Server(wire).run();
  } else if (argc >= 8 && std::strcmp(argv[1], "client") == 0) {
    Wire wire(config_from(argv + 7, argv + argc));
    run_client(wire, argv);
  } else {
    std::fprintf(stderr, "usage: %s server KEY=VALUE... | client ADDRESS CONNECTIONS BYTES SECONDS PID KEY=VALUE...\n",
                 argv[0]);
    return 2;
  }
  return 0;
}
