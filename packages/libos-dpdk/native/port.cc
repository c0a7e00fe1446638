#include "port.hpp"

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

namespace demi::dpdk {

namespace {

constexpr unsigned kSendBuffers = 2048;
constexpr unsigned kSendCache = 256;
constexpr int kXdpTries = 100;

// One pool per frame size, kept from libOS to libOS.
rte_mempool* send_pool(std::uint32_t frame_bytes) {
  const std::uint32_t room = RTE_PKTMBUF_HEADROOM + std::max(2048u, frame_bytes);
  const std::string name = "demi_send_" + std::to_string(room);
  if (rte_mempool* kept = rte_mempool_lookup(name.c_str()); kept != nullptr) return kept;
  return rte_pktmbuf_pool_create(name.c_str(), kSendBuffers, kSendCache, 0, static_cast<std::uint16_t>(room),
                                 SOCKET_ID_ANY);
}

}  // namespace

// The port that is open. A process that ends without destroy() must not leave an XDP program on its interface.
Port* Port::current = nullptr;

std::unique_ptr<Port> Port::open(const PortOptions& options, Arena& arena, Region region, const DeviceSlots& slots,
                                 Failure& failure) {
  std::unique_ptr<Port> port(new Port(arena, region, slots));
  static const int registered = std::atexit([] {
    if (current != nullptr) current->stop();
  });
  static_cast<void>(registered);
  current = port.get();
  std::string message;
  int error = port->start(options, message);
  // The kernel gives an interface's queue back a moment after the socket of the libOS before was closed. A failed try leaves receive
  // buffers owned twice, so everything is made anew for the next one.
  for (int tries = 0; error != 0 && port->device_.is_xdp() && tries < kXdpTries; ++tries) {
    port.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    port.reset(new Port(arena, region, slots));
    current = port.get();
    error = port->start(options, message);
  }
  if (error == 0) return port;
  return failure.refuse(error, "device \"" + options.device + "\": " + message);
}

Port::~Port() {
  stop();
  current = nullptr;
}

int Port::start(const PortOptions& options, std::string& message) {
  mtu_ = options.mtu;
  if (pool_.error() != 0) return device_error(message, "the receive buffers could not be made", pool_.error());
  send_pool_ = send_pool(mtu_ + kEthernetHeader);
  if (send_pool_ == nullptr) return device_error(message, "the send buffers could not be made", -rte_errno);
  if (const int error = device_.open(options, pool_.pool(), message); error != 0) return error;
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
  device_.close();
}

// ---- receiving ------------------------------------------------------------------------------------------------------

std::uint64_t Port::cycles() { return rte_get_tsc_cycles(); }
std::uint64_t Port::cycles_per_second() { return rte_get_tsc_hz(); }

unsigned Port::receive(Frame* frames, unsigned some) {
  rte_mbuf* burst[kBurst];
  unsigned n;
  if (!receive_faults_) [[likely]] {
    n = rte_eth_rx_burst(device_.id(), 0, burst, static_cast<std::uint16_t>(some));
  } else {
    rte_mbuf* arrived[kBurst / Faults::kMost];
    const unsigned count = rte_eth_rx_burst(device_.id(), 0, arrived, kBurst / Faults::kMost);
    n = 0;
    for (unsigned i = 0; i < count; ++i) n += receive_faults_->pass(arrived[i], pool_.pool(), burst + n);
  }
  if (n == 0) return 0;
  if (capture_) capture_->on_received(burst, static_cast<std::uint16_t>(n));
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
    capture_->on_sent(outgoing_.data() + captured_, static_cast<std::uint16_t>(outgoing_count_ - captured_));
  }
  const unsigned taken =
      rte_eth_tx_burst(device_.id(), 0, outgoing_.data(), static_cast<std::uint16_t>(outgoing_count_));
  if (taken == 0 && !device_.link_up()) {
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
  rte_eth_stats_get(device_.id(), &stats);
  sink("linkUp", device_.link_up() ? 1 : 0);
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
