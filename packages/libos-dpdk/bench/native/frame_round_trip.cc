// The bare port, without a stack: one end sends frames back as they come, the other measures the round trip of one frame at a time.
//
//   frame_round_trip echo DEVICE [EAL ARGUMENT...]                     says "ready", serves until SIGTERM
//   frame_round_trip ping BYTES SECONDS DEVICE [EAL ARGUMENT...]       prints one line of JSON, microseconds
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

constexpr std::uint16_t kBurst = 32;
constexpr std::uint16_t kDescriptors = 512;
constexpr unsigned kBuffers = 4095;
constexpr unsigned kCache = 256;
constexpr int kEthernetHeader = 14;
constexpr std::uint16_t kExperimental = 0x88b5;  // the EtherType for experiments
constexpr std::size_t kUncounted = 1000;

volatile std::sig_atomic_t stopping = 0;

[[noreturn]] void die(const char* what, int error = 0) {
  std::fprintf(stderr, "%s%s%s\n", what, error != 0 ? ": " : "", error != 0 ? std::strerror(std::abs(error)) : "");
  std::_Exit(1);
}

void start_eal(char** extra, int count) {
  std::vector<std::string> arguments{"frame_round_trip",
                                     "--no-pci",
                                     "--no-huge",
                                     "--no-shconf",
                                     "-m",
                                     "128",
                                     "-l",
                                     std::to_string(sched_getcpu()),
                                     "--iova-mode=va",
                                     "--no-telemetry",
                                     "--log-level=*:error",
                                     "--file-prefix=demi-bench-" + std::to_string(getpid())};
  arguments.insert(arguments.end(), extra, extra + count);
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) die("DPDK did not start");
}

rte_mempool* make_pool() {
  rte_mempool* const pool =
      rte_pktmbuf_pool_create("frames", kBuffers, kCache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) die("no memory for frames");
  return pool;
}

std::uint16_t start_port(const std::string& device, rte_mempool* pool) {
  if (const int error = rte_dev_probe(device.c_str()); error != 0) die(device.c_str(), error);
  std::uint16_t port = 0;
  if (const int error = rte_eth_dev_get_port_by_name(device.substr(0, device.find(',')).c_str(), &port); error != 0)
    die(device.c_str(), error);
  const rte_eth_conf conf{};
  std::uint16_t receive = kDescriptors;
  std::uint16_t send = kDescriptors;
  if (const int error = rte_eth_dev_configure(port, 1, 1, &conf); error != 0) die("configure", error);
  rte_eth_dev_adjust_nb_rx_tx_desc(port, &receive, &send);
  if (const int error = rte_eth_rx_queue_setup(port, 0, receive, SOCKET_ID_ANY, nullptr, pool); error != 0)
    die("receive queue", error);
  if (const int error = rte_eth_tx_queue_setup(port, 0, send, SOCKET_ID_ANY, nullptr); error != 0)
    die("send queue", error);
  if (const int error = rte_eth_dev_start(port); error != 0) die("start", error);
  return port;
}

void send(std::uint16_t port, rte_mbuf** frames, std::uint16_t count) {
  for (std::uint16_t sent = 0; sent < count && stopping == 0;)
    sent = static_cast<std::uint16_t>(sent + rte_eth_tx_burst(port, 0, frames + sent, count - sent));
}

void echo(std::uint16_t port) {
  std::puts("ready");
  std::fflush(stdout);
  rte_mbuf* frames[kBurst];
  while (stopping == 0) send(port, frames, rte_eth_rx_burst(port, 0, frames, kBurst));
}

void wait_for_link(std::uint16_t port) {
  const auto end = Clock::now() + seconds(5);
  rte_eth_link link{};
  while (rte_eth_link_get_nowait(port, &link) != 0 || link.link_status != RTE_ETH_LINK_UP) {
    if (Clock::now() > end) die("the link did not come up within 5 s");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

rte_mbuf* make_frame(rte_mempool* pool, std::uint16_t bytes, std::uint32_t number) {
  rte_mbuf* const frame = rte_pktmbuf_alloc(pool);
  if (frame == nullptr) die("out of frames");
  auto* const data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(frame, bytes));
  std::memset(data, 0xff, 12);
  data[12] = kExperimental >> 8;
  data[13] = kExperimental & 0xff;
  std::memcpy(data + kEthernetHeader, &number, sizeof number);
  return frame;
}

// False when nothing came back in time: a device may lose its first frames.
bool round_trip(std::uint16_t port, rte_mempool* pool, std::uint16_t bytes, std::uint32_t number) {
  rte_mbuf* frame = make_frame(pool, bytes, number);
  send(port, &frame, 1);
  const auto end = Clock::now() + std::chrono::milliseconds(500);
  do {
    for (int polls = 0; polls < 4096; ++polls) {
      rte_mbuf* received[kBurst];
      const std::uint16_t n = rte_eth_rx_burst(port, 0, received, kBurst);
      bool ours = false;
      for (std::uint16_t i = 0; i < n; ++i) {
        std::uint32_t seen = 0;
        std::memcpy(&seen, rte_pktmbuf_mtod(received[i], std::uint8_t*) + kEthernetHeader, sizeof seen);
        ours = ours || (received[i]->data_len >= bytes && seen == number);
        rte_pktmbuf_free(received[i]);
      }
      if (ours) return true;
    }
  } while (Clock::now() < end);
  return false;
}

void ping(std::uint16_t port, rte_mempool* pool, std::uint16_t bytes, double counted) {
  wait_for_link(port);
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < kUncounted; ++i) round_trip(port, pool, bytes, number++);
  std::vector<std::int64_t> nanoseconds;
  nanoseconds.reserve(static_cast<std::size_t>(counted * 4e6));
  std::uint64_t lost = 0;
  auto now = Clock::now();
  const auto end = now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(counted));
  while (now < end && stopping == 0) {
    const auto start = now;
    const bool back = round_trip(port, pool, bytes, number++);
    now = Clock::now();
    if (back)
      nanoseconds.push_back((now - start).count());
    else
      ++lost;
  }
  if (nanoseconds.empty()) die("no frame came back");
  const auto microseconds = [&](double q) {
    const auto at = nanoseconds.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(nanoseconds.size() - 1));
    std::nth_element(nanoseconds.begin(), at, nanoseconds.end());
    return static_cast<double>(*at) / 1000;
  };
  const double p50 = microseconds(0.5);
  const double p99 = microseconds(0.99);
  std::printf("{\"requests\":%zu,\"lost\":%llu,\"p50\":%.3f,\"p99\":%.3f}\n", nanoseconds.size(),
              static_cast<unsigned long long>(lost), p50, p99);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopping = 1; });
  const bool echoing = argc >= 3 && std::strcmp(argv[1], "echo") == 0;
  const bool pinging = argc >= 5 && std::strcmp(argv[1], "ping") == 0;
  const int bytes = pinging ? std::atoi(argv[2]) : 60;
  const double counted = pinging ? std::atof(argv[3]) : 0;
  if (!(echoing || pinging) || bytes < 60 || bytes > 1514 || (pinging && !(counted > 0 && counted <= 60))) {
    std::fprintf(stderr, "usage: %s echo DEVICE [EAL...] | ping BYTES SECONDS DEVICE [EAL...]\n", argv[0]);
    return 2;
  }
  const int device = echoing ? 2 : 4;
  start_eal(argv + device + 1, argc - device - 1);
  rte_mempool* const pool = make_pool();
  const std::uint16_t port = start_port(argv[device], pool);
  if (echoing)
    echo(port);
  else
    ping(port, pool, static_cast<std::uint16_t>(bytes), counted);
  rte_eth_dev_stop(port);
  rte_eth_dev_close(port);
  rte_eal_cleanup();
  return 0;
}
