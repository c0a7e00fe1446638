#include "port.hpp"

#include <rte_alarm.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <semaphore>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace demi::dpdk {

namespace {

constexpr unsigned kSendBuffers = 2048;
constexpr unsigned kSendCache = 256;
constexpr std::uint16_t kDescriptors = 512;
constexpr int kXdpTries = 100;
static_assert(sizeof(MacAddress) == sizeof(rte_ether_addr));

std::string name_of(const std::string& device) { return device.substr(0, device.find(',')); }

// One pool per frame size, kept from libOS to libOS.
rte_mempool* send_pool(std::uint32_t frame_bytes) {
  const std::uint32_t room = RTE_PKTMBUF_HEADROOM + std::max(2048u, frame_bytes);
  const std::string name = "demi_send_" + std::to_string(room);
  if (rte_mempool* kept = rte_mempool_lookup(name.c_str()); kept != nullptr) return kept;
  return rte_pktmbuf_pool_create(name.c_str(), kSendBuffers, kSendCache, 0, static_cast<std::uint16_t>(room),
                                 SOCKET_ID_ANY);
}

// A port that is stopped and closed on EAL's interrupt thread.
struct Closing {
  std::uint16_t id;
  bool started;
  std::binary_semaphore done{0};
  static void run(void* argument) {
    auto& self = *static_cast<Closing*>(argument);
    if (self.started) rte_eth_dev_stop(self.id);
    rte_eth_dev_close(self.id);
    self.done.release();
  }
};

// What net_af_xdp uses: its socket, and the maps and programs that libxdp loads for it.
std::vector<int> xdp_descriptors() {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    int domain = 0;
    socklen_t length = sizeof domain;
    const bool socket = ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_XDP;
    if (socket || std::filesystem::read_symlink(entry.path(), error).string().starts_with("anon_inode:bpf")) {
      found.push_back(fd);
    }
  }
  return found;
}

// The driver of DPDK 22.11 leaves them open when its port is closed: each libOS would cost descriptors, and the kernel would keep the
// interface's queue reserved.
void close_xdp_leftovers(const std::vector<int>& before) {
  for (const int fd : xdp_descriptors()) {
    if (std::find(before.begin(), before.end(), fd) == before.end()) ::close(fd);
  }
}

std::string reason(const char* what, int error) {
  return std::string(what) + ": " + std::strerror(error < 0 ? -error : error);
}

}  // namespace

// The port that is open. A process that ends without destroy() must not leave an XDP program on its interface.
Port* Port::current = nullptr;

std::unique_ptr<Port> Port::open(const PortOptions& options, Arena& arena, const DeviceSlots& slots,
                                 std::string& message, int& error) {
  std::unique_ptr<Port> port(new Port(arena, slots));
  static const int registered = std::atexit([] {
    if (current != nullptr) current->stop();
  });
  static_cast<void>(registered);
  current = port.get();
  error = port->start(options, message);
  // The kernel gives an interface's queue back a moment after the socket of the libOS before was closed. A failed try leaves receive
  // buffers owned twice, so everything is made anew for the next one.
  for (int tries = 0; error != 0 && port->xdp_ && tries < kXdpTries; ++tries) {
    port.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    port.reset(new Port(arena, slots));
    current = port.get();
    error = port->start(options, message);
  }
  if (error == 0) return port;
  message = "device \"" + options.device + "\": " + message;
  return nullptr;
}

Port::~Port() {
  stop();
  current = nullptr;
}

int Port::start(const PortOptions& options, std::string& message) {
  const auto failed = [&](const char* what, int error) {
    message = reason(what, error);
    return error < 0 ? error : -EIO;
  };
  mtu_ = options.mtu;
  if (pool_.error() != 0) return failed("the receive buffers could not be made", pool_.error());
  send_pool_ = send_pool(mtu_ + kEthernetHeader);
  if (send_pool_ == nullptr) return failed("the send buffers could not be made", -rte_errno);

  const std::string name = name_of(options.device);
  xdp_ = name.starts_with("net_af_xdp");
  if (xdp_) xdp_before_ = xdp_descriptors();
  // A PCI device of EAL's own arguments is there already.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
    if (const int error = rte_dev_probe(options.device.c_str()); error != 0) {
      message = "DPDK finds no driver for it, or the driver refused it (" + std::string(std::strerror(-error)) +
                "); what it said is above";
      return error;
    }
    if (const int error = rte_eth_dev_get_port_by_name(name.c_str(), &id_); error != 0)
      return failed("it is no Ethernet port", error);
  }
  probed_ = true;

  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return failed("it does not describe itself", error);
  if (mtu_ > info.max_mtu) {
    message = "mtu is " + std::to_string(mtu_) + ", the device takes at most " + std::to_string(info.max_mtu);
    return -EINVAL;
  }
  rte_eth_conf conf{};
  conf.rxmode.mtu = mtu_;
  if (const int error = rte_eth_dev_configure(id_, 1, 1, &conf); error != 0) return failed("configure", error);
  std::uint16_t receive = kDescriptors;
  std::uint16_t send = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &send);
  if (const int error = rte_eth_rx_queue_setup(id_, 0, receive, SOCKET_ID_ANY, nullptr, pool_.pool()); error != 0)
    return failed("receive queue", error);
  if (const int error = rte_eth_tx_queue_setup(id_, 0, send, SOCKET_ID_ANY, nullptr); error != 0)
    return failed("send queue", error);

  rte_ether_addr mac;
  if (options.mac) {
    std::memcpy(&mac, options.mac->data(), sizeof mac);
    const int error = rte_eth_dev_default_mac_addr_set(id_, &mac);
    if (error != 0 && error != -ENOTSUP) return failed("mac", error);
  } else if (const int error = rte_eth_macaddr_get(id_, &mac); error != 0) {
    return failed("mac", error);
  }
  std::memcpy(mac_.data(), &mac, mac_.size());
  if (const int error = rte_eth_dev_start(id_); error != 0) {
    return failed("it does not start; the client of a memif or vhost-user socket needs the other side to be there",
                  error == -1 ? -ENOTCONN : error);
  }
  started_ = true;
  // Neighbour discovery comes by multicast.
  if (rte_eth_allmulticast_enable(id_) != 0) rte_eth_promiscuous_enable(id_);

  if (!options.capture.empty()) {
    capture_ = Capture::open(options.capture, options.device, message);
    if (!capture_) return -EIO;
  }
  if (options.faults.any()) {
    receive_faults_ = std::make_unique<Faults>(options.faults, 0);
    send_faults_ = std::make_unique<Faults>(options.faults, 1);
  }
  return 0;
}

void Port::stop() {
  capture_.reset();
  rte_pktmbuf_free(std::exchange(reserved_, nullptr));
  rte_pktmbuf_free_bulk(outgoing_.data(), std::exchange(outgoing_count_, 0));
  receive_faults_.reset();
  send_faults_.reset();
  if (!std::exchange(probed_, false)) return;
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  Closing closing{id_, started_};
  // The interrupt thread takes what comes over net_memif's control channel, and DPDK 22.11 does not keep closing on another thread from
  // freeing what is handled there. Alarms run on that thread, so there one comes after the other.
  const bool controlled = info.driver_name != nullptr && std::string_view(info.driver_name) == "net_memif";
  if (!controlled || rte_eal_alarm_set(1, &Closing::run, &closing) != 0) Closing::run(&closing);
  closing.done.acquire();
  // Gone altogether, so that the next libOS makes it anew with its own arguments.
  if (info.device != nullptr) rte_dev_remove(info.device);
  if (xdp_) close_xdp_leftovers(xdp_before_);
}

bool Port::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

std::uint64_t Port::cycles() { return rte_get_tsc_cycles(); }
std::uint64_t Port::cycles_per_second() { return rte_get_tsc_hz(); }

unsigned Port::receive(Frame* frames, unsigned some) {
  rte_mbuf* burst[kBurst];
  unsigned n;
  if (!receive_faults_) [[likely]] {
    n = rte_eth_rx_burst(id_, 0, burst, static_cast<std::uint16_t>(some));
  } else {
    rte_mbuf* arrived[kBurst / Faults::kMost];
    const unsigned count = rte_eth_rx_burst(id_, 0, arrived, kBurst / Faults::kMost);
    n = 0;
    for (unsigned i = 0; i < count; ++i) n += receive_faults_->pass(arrived[i], pool_.pool(), burst + n);
  }
  if (n == 0) return 0;
  if (capture_) capture_->received(burst, static_cast<std::uint16_t>(n));
  unsigned out = 0;
  for (unsigned i = 0; i < n; ++i) {
    rte_mbuf* const mbuf = burst[i];
    if (mbuf->nb_segs != 1 || !pool_.owns(mbuf)) [[unlikely]] {
      ++unusable_;
      rte_pktmbuf_free(mbuf);
      continue;
    }
    frames[out++] = {rte_pktmbuf_mtod(mbuf, std::uint8_t*), mbuf->data_len, pool_.slot(mbuf)};
  }
  return out;
}

void Port::release(std::uint32_t slot) { rte_pktmbuf_free(pool_.mbuf(slot)); }

// ---- sending --------------------------------------------------------------------------------------------------------

std::uint8_t* Port::reserve() {
  if (outgoing_count_ + Faults::kMost > kBurst) {
    send_burst();
    if (outgoing_count_ + Faults::kMost > kBurst) {
      ++send_refused_;
      return nullptr;
    }
  }
  if (reserved_ == nullptr) reserved_ = rte_pktmbuf_alloc(send_pool_);
  if (reserved_ == nullptr) [[unlikely]] {
    ++send_refused_;
    return nullptr;
  }
  return rte_pktmbuf_mtod(reserved_, std::uint8_t*);
}

void Port::commit(std::uint32_t length) {
  rte_mbuf* const mbuf = std::exchange(reserved_, nullptr);
  mbuf->data_len = static_cast<std::uint16_t>(length);
  mbuf->pkt_len = length;
  if (!send_faults_) [[likely]] {
    outgoing_[outgoing_count_++] = mbuf;
  } else {
    outgoing_count_ += send_faults_->pass(mbuf, send_pool_, outgoing_.data() + outgoing_count_);
  }
}

void Port::send_burst() {
  if (outgoing_count_ == 0) return;
  // Captured once, when first handed over; what the device does not take at once follows with the next burst.
  if (capture_ && outgoing_count_ > captured_) {
    capture_->sent(outgoing_.data() + captured_, static_cast<std::uint16_t>(outgoing_count_ - captured_));
  }
  const unsigned taken = rte_eth_tx_burst(id_, 0, outgoing_.data(), static_cast<std::uint16_t>(outgoing_count_));
  if (taken == 0 && !link_up()) {
    // Nobody is there, as with a cable pulled: what TCP has is sent again, the rest is lost.
    rte_pktmbuf_free_bulk(outgoing_.data(), outgoing_count_);
    send_lost_ += std::exchange(outgoing_count_, 0);
    captured_ = 0;
    return;
  }
  outgoing_count_ -= taken;
  captured_ = outgoing_count_;
  if (outgoing_count_ != 0) std::copy_n(outgoing_.begin() + taken, outgoing_count_, outgoing_.begin());
}

void Port::flush_capture() {
  if (capture_) capture_->flush();
}

void Port::stats(const StatSink& sink) const {
  rte_eth_stats stats{};
  rte_eth_stats_get(id_, &stats);
  sink("linkUp", link_up() ? 1 : 0);
  sink("receivedFrames", static_cast<double>(stats.ipackets));
  sink("receivedBytes", static_cast<double>(stats.ibytes));
  sink("receiveMissed", static_cast<double>(stats.imissed));
  sink("receiveErrors", static_cast<double>(stats.ierrors + unusable_));
  sink("receiveWithoutBuffer", static_cast<double>(stats.rx_nombuf));
  sink("receiveBuffersFree", pool_.available());
  sink("sentFrames", static_cast<double>(stats.opackets));
  sink("sentBytes", static_cast<double>(stats.obytes));
  sink("sendErrors", static_cast<double>(stats.oerrors));
  sink("sendLost", static_cast<double>(send_lost_));
  sink("sendRefused", static_cast<double>(send_refused_));
  if (capture_) {
    sink("capturedFrames", static_cast<double>(capture_->counters().frames));
    sink("captureDropped", static_cast<double>(capture_->counters().dropped));
  }
}

}  // namespace demi::dpdk
