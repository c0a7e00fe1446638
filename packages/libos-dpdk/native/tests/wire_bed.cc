#include "wire_bed.hpp"

#include <doctest/doctest.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cstring>

// DPDK keeps what it makes when it starts and when a driver is loaded until the process ends, and lwIP its list of timers; some of it is
// only pointed to from EAL's memory, where LeakSanitizer does not look. What a libOS allocates is not on this list.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:rte_eal_init\n"
         "leak:rte_eal_hotplug_add\n"
         "leak:rte_dev_probe\n"
         "leak:rte_vdev_init\n";
}

// AddressSanitizer's allocator has it; Debian's g++ has no header for it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

std::uint32_t clock_ms = 1'000;

}  // namespace

// lwIP's clock: this one comes before the library's own.
extern "C" std::uint32_t sys_now() { return clock_ms; }

namespace demi::dpdk::test {

namespace {

constexpr std::size_t kKept = 256;  // completions
constexpr char kPort[] = "bed";
constexpr char kDevice[] = "net_ring_bed";

struct Left {
  unsigned receive_missing = 1;
  unsigned send_missing = 1;
  bool seen = false;
};

unsigned missing(const char* name) {
  rte_mempool* const pool = rte_mempool_lookup(name);
  return pool == nullptr ? 0 : rte_mempool_in_use_count(pool);
}

// The port is gone, the receive pool not yet.
int port_gone(std::uint16_t, rte_eth_event_type, void* context, void*) {
  auto* const left = static_cast<Left*>(context);
  left->receive_missing = missing("demi_receive");
  left->send_missing = missing("demi_send_2176");
  left->seen = true;
  return 0;
}

rte_ring* make_ring(const char* name) {
  rte_ring* const ring = rte_ring_create(name, WireBed::kRing, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
  REQUIRE(ring != nullptr);
  return ring;
}

Limits bed_limits() {
  Limits limits;
  limits.ring_entries = 4096;
  limits.tokens = 8192;
  limits.queues = 4096;
  limits.classes = {{256, 2048}, {4096, 512}, {65536, 32}};
  return limits;
}

}  // namespace

std::size_t heap_bytes() { return __sanitizer_get_current_allocated_bytes(); }

Host peer(int family, std::uint16_t port, unsigned n) {
  Host host{{2, 0, 0, 0, 1, static_cast<std::uint8_t>(n)}, ip(family == 6 ? "fd07::100" : "10.7.0.100", port)};
  host.ip.bytes[family == 6 ? 15 : 3] = static_cast<std::uint8_t>(host.ip.bytes[family == 6 ? 15 : 3] + n);
  return host;
}

WireBed::WireBed(const Config& changes) {
  Config config{
      {"device", kDevice},    {"mac", "02:00:00:00:00:02"},        {"ipv4", "10.7.0.2/24"},   {"ipv6", "fd07::2/64"},
      {"hugepages", "never"}, {"mbufs", std::to_string(kBuffers)}, {"gateway", "10.7.0.100"}, {"mtu", "1500"}};
  for (const auto& [key, value] : changes) config[key] = value;
  Failure failure;
  auto device = open_device(config, failure);
  REQUIRE_MESSAGE(device, failure.message);
  Limits limits = bed_limits();
  REQUIRE_MESSAGE(device->plan(limits, failure), failure.message);
  auto memory = device->memory(limits.arena_bytes(), failure);
  REQUIRE_MESSAGE(memory, failure.message);
  app_ = std::make_unique<demi::test::Application>(limits, std::move(memory));
  to_engine_ = make_ring("bed_to");
  from_engine_ = make_ring("bed_from");
  REQUIRE(rte_eth_from_rings(kPort, &to_engine_, 1, &from_engine_, 1, 0) >= 0);
  auto engine = device->start(runtime(), failure);
  REQUIRE_MESSAGE(engine, failure.message);
  REQUIRE(app_->add(std::move(engine), std::move(device)));
  pool_ = rte_mempool_lookup("demi_receive");
  REQUIRE(pool_ != nullptr);
  run(5);  // what a stack says when it comes up
}

WireBed::~WireBed() {
  if (app_) close();
}

void WireBed::close() {
  runtime().submit();  // frees among it
  app_->free_all();
  // On the wire, and so nobody's: what the engine has not taken in, and what it has sent.
  void* mbuf = nullptr;
  while (rte_ring_dequeue(to_engine_, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  while (rte_ring_dequeue(from_engine_, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  const std::uint8_t* const base = app_->arena().base();
  const std::size_t bytes = app_->arena().mapping()->bytes();
  // What ends on the wire while the stack goes down is taken off it before the pools are looked at.
  struct Watch {
    Left left;
    rte_ring* ring;
  } watch{{}, from_engine_};
  const auto gone = [](std::uint16_t id, rte_eth_event_type event, void* context, void* unused) {
    auto* const w = static_cast<Watch*>(context);
    void* sent = nullptr;
    while (rte_ring_dequeue(w->ring, &sent) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(sent));
    return port_gone(id, event, &w->left, unused);
  };
  std::uint16_t id = 0;
  REQUIRE(rte_eth_dev_get_port_by_name(kDevice, &id) == 0);
  REQUIRE(rte_eth_dev_callback_register(id, RTE_ETH_EVENT_DESTROY, gone, &watch) == 0);
  app_.reset();
  // Callbacks outlive their port: the next one would have this. The port is gone, so it is taken off all.
  CHECK(rte_eth_dev_callback_unregister(RTE_ETH_ALL, RTE_ETH_EVENT_DESTROY, gone, &watch) == 0);
  ASAN_UNPOISON_MEMORY_REGION(base, bytes);
  rte_ring_free(to_engine_);
  rte_ring_free(from_engine_);
  CHECK(watch.left.seen);
  CHECK(watch.left.receive_missing == 0);
  CHECK(watch.left.send_missing == 0);
}

// ---- the wire -------------------------------------------------------------------------------------------------------

bool WireBed::send(const Bytes& frame, bool guarded) {
  if (rte_ring_full(to_engine_) != 0) pump();
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return false;
  auto* const room = static_cast<std::uint8_t*>(mbuf->buf_addr);
  ASAN_UNPOISON_MEMORY_REGION(room, mbuf->buf_len);
  REQUIRE(frame.size() <= rte_pktmbuf_tailroom(mbuf));
  // What was there before is not the frame's: whoever reads on finds this.
  std::memset(room, 0xa5, mbuf->buf_len);
  auto* const data = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  if (!frame.empty()) std::memcpy(data, frame.data(), frame.size());
  mbuf->data_len = static_cast<std::uint16_t>(frame.size());
  mbuf->pkt_len = static_cast<std::uint32_t>(frame.size());
  if (guarded) ASAN_POISON_MEMORY_REGION(data + frame.size(), rte_pktmbuf_tailroom(mbuf));
  REQUIRE(rte_ring_enqueue(to_engine_, mbuf) == 0);
  return true;
}

std::uint32_t WireBed::buffers_free() const { return rte_mempool_avail_count(pool_); }

void WireBed::take_in(rte_mbuf* mbuf) {
  const auto* const data = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
  const Bytes frame(data, data + mbuf->data_len);
  rte_pktmbuf_free(mbuf);
  ++frames_seen;
  if (answers) answer(frame);
  if (on_frame) on_frame(frame);
}

void WireBed::answer(const Bytes& frame) {
  if (type_of(frame) == kTypeArp && frame.size() >= 42 && get16(frame, 20) == 1) {
    Host target{{2, 0, 0, 0, 1, 0}, {}};
    target.ip.family = 4;
    std::copy_n(frame.begin() + 38, 4, target.ip.bytes.begin());
    if (target.ip.bytes[3] < 100) return;  // nobody
    target.mac[5] = static_cast<std::uint8_t>(target.ip.bytes[3] - 100);
    send(arp(2, target, ours(4)), true);
    return;
  }
  const auto asked = read_packet(frame);
  if (!asked || asked->protocol != kIcmp6 || asked->payload.size() < 24 || asked->payload[0] != 135) return;
  // A neighbour solicitation: the advertisement of who was asked for.
  Host target{{2, 0, 0, 0, 1, 0}, asked->to};
  std::copy_n(asked->payload.begin() + 8, 16, target.ip.bytes.begin());
  if (target.ip.bytes[0] != 0xfd || target.ip.bytes[14] != 1) return;
  target.mac[5] = target.ip.bytes[15];
  Bytes advert{136, 0, 0, 0, 0x60, 0, 0, 0};
  advert.insert(advert.end(), target.ip.bytes.begin(), target.ip.bytes.end());
  advert.insert(advert.end(), {2, 1});
  advert.insert(advert.end(), target.mac.begin(), target.mac.end());
  Bytes reply = packet(target, {kOurMac, asked->from}, kIcmp6, advert);
  repair(reply, true);
  send(reply, true);
}

// ---- time -----------------------------------------------------------------------------------------------------------

std::uint32_t WireBed::now() { return clock_ms; }
void WireBed::jump(unsigned milliseconds) { clock_ms += milliseconds; }

void WireBed::turn() {
  for (const Completion& c : app_->turn(0)) {
    done_[c.qt] = c;
    // Tokens used later have higher numbers, but for their generation's wrap.
    if (done_.size() > kKept && done_.begin()->first != awaited_) done_.erase(done_.begin());
    for (const auto& listener : on_completion) listener(c);
  }
  void* mbufs[64];
  for (unsigned n; (n = rte_ring_dequeue_burst(from_engine_, mbufs, 64, nullptr)) != 0;) {
    for (unsigned i = 0; i < n; ++i) take_in(static_cast<rte_mbuf*>(mbufs[i]));
  }
}

void WireBed::run(unsigned milliseconds) {
  for (unsigned i = 0; i < milliseconds; ++i) {
    ++clock_ms;
    turn();
  }
}

void WireBed::pump() {
  do {
    turn();
  } while (rte_ring_empty(to_engine_) == 0);
}

bool WireBed::until(const std::function<bool()>& reached, unsigned milliseconds) {
  for (unsigned i = 0; i < milliseconds && !reached(); ++i) run(1);
  return reached();
}

// ---- the application --------------------------------------------------------------------------------------------------

Qd WireBed::socket(SocketKind kind, int family, std::uint16_t port) {
  int error = 0;
  auto queue = runtime().engines().socket({kind, family, Framing::kStream, 1 << 20}, error);
  REQUIRE(queue);
  const Qd qd = runtime().adopt(std::move(queue));
  REQUIRE(qd > 0);
  if (port != 0) REQUIRE(runtime().find(qd)->bind(ours(family, port).ip) == 0);
  return qd;
}

Qd WireBed::listener(int family, std::uint16_t port, int backlog) {
  const Qd qd = socket(SocketKind::kStream, family, port);
  REQUIRE(runtime().find(qd)->listen(backlog) == 0);
  return qd;
}

Qt WireBed::connect(Qd qd, const Address& to) {
  const Qt qt = app_->take_token();
  REQUIRE(runtime().connect(qd, qt, to) == 0);
  return qt;
}

std::optional<Completion> WireBed::wait(Qt qt, unsigned milliseconds) {
  awaited_ = qt;
  const bool completed = until([&] { return done_.contains(qt); }, milliseconds);
  awaited_.reset();
  if (!completed) return std::nullopt;
  const Completion c = done_.at(qt);
  done_.erase(qt);
  return c;
}

Qt WireBed::push_to(Qd qd, std::string_view data, const Address& to) {
  const Sga sga = app_->from(data);
  REQUIRE(sga != 0);
  app_->arena().set_address(sga, to);
  return app_->push(qd, sga, layout::kFlagFree | layout::kFlagTo);
}

}  // namespace demi::dpdk::test
