#include "loopback.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

// AddressSanitizer's allocator has it; Debian's g++ has no header for it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

namespace demi::rdma::test {

namespace {

using Clock = std::chrono::steady_clock;

Clock::time_point in(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

// Lets others have the processor, for as long as nobody notices.
void pause() { std::this_thread::sleep_for(std::chrono::microseconds(100)); }

Config with_changes(const Loopback& loopback, const Config& changes) {
  Config config{{"provider", loopback.provider()}, {"receives", "1024"}};
  for (const auto& [key, value] : changes) config[key] = value;
  return config;
}

std::unique_ptr<Device> planned(const Config& config, Limits& limits) {
  Failure failure;
  auto device = open_device(config, failure);
  REQUIRE_MESSAGE(device, failure.message);
  REQUIRE_MESSAGE(device->plan(limits, failure), failure.message);
  return device;
}

}  // namespace

std::size_t heap_bytes() { return __sanitizer_get_current_allocated_bytes(); }

std::string each_provider() {
  std::string provider;
  SUBCASE("tcp") { provider = "tcp"; }
  SUBCASE("shm") { provider = "shm"; }
  return provider;
}

// ---- everybody ------------------------------------------------------------------------------------------------------

void Loopback::turn() {
  // One that is driven may make or destroy others.
  for (std::size_t i = 0; i < driven_.size(); ++i) driven_[i]->turn();
}

bool Loopback::until(const std::function<bool()>& reached, double seconds) {
  const auto end = in(seconds);
  const auto soon = in(1);
  while (!reached()) {
    const auto now = Clock::now();
    if (now > end) return false;
    // What takes longer waits for somebody's time limit, more often than not.
    if (now > soon) pause();
    turn();
  }
  return true;
}

void Loopback::run(double seconds) {
  for (const auto end = in(seconds); Clock::now() < end; pause()) turn();
}

// ---- a libOS --------------------------------------------------------------------------------------------------------

Limits Libos::usual_limits() {
  Limits limits;
  limits.ring_entries = 1024;
  limits.tokens = 4096;
  limits.queues = 512;
  limits.classes = {{256, 1024}, {4096, 512}, {65536, 64}, {1u << 20, 4}};
  return limits;
}

Libos::Libos(Loopback& loopback, const Config& changes, Limits limits)
    : loopback_(loopback), device_(planned(with_changes(loopback, changes), limits)), app_(limits) {
  Failure failure;
  auto engine = device_->start(runtime(), failure);
  REQUIRE_MESSAGE(engine, failure.message);
  REQUIRE_MESSAGE(engine->map({arena().base(), arena().bytes()}, failure), failure.message);
  REQUIRE(app_.add(std::move(engine)));
  receives_ = stat("receivesFree");
  loopback_.add(*this);
}

Libos::~Libos() { loopback_.remove(*this); }

void Libos::turn() {
  for (const Completion& c : app_.turn()) {
    if (!on_completion || !on_completion(c)) done_[c.qt] = c;
  }
}

Qd Libos::opened(SocketKind kind) {
  int error = 0;
  auto queue = runtime().engines().socket({kind, 4, Framing::kStream, 1 << 20}, error);
  REQUIRE(queue);
  const Qd qd = runtime().adopt(std::move(queue));
  REQUIRE(qd > 0);
  return qd;
}

Qd Libos::listener(int backlog) {
  const Qd qd = socket();
  Address any;
  REQUIRE(Address::parse("127.0.0.1", 0, any) == 0);
  REQUIRE(runtime().find(qd)->bind(any) == 0);
  REQUIRE(runtime().find(qd)->listen(backlog) == 0);
  return qd;
}

Qd Libos::datagram_socket(std::uint16_t port) {
  const Qd qd = opened(SocketKind::kDatagram);
  Address at;
  REQUIRE(Address::parse("127.0.0.1", port, at) == 0);
  REQUIRE(runtime().find(qd)->bind(at) == 0);
  return qd;
}

Address Libos::address(Qd qd) {
  Address out;
  REQUIRE(runtime().find(qd)->local_address(out) == 0);
  REQUIRE(out.port != 0);
  return out;
}

Qt Libos::connect(Qd qd, const Address& to) {
  const Qt qt = app_.take_token();
  REQUIRE(runtime().connect(qd, qt, to) == 0);
  return qt;
}

Qt Libos::push_to(Qd qd, std::string_view bytes, const Address& to) {
  const Sga message = sga(bytes);
  app_.arena().set_address(message, to);
  return app_.push(qd, message, layout::kFlagFree | layout::kFlagTo);
}

Sga Libos::sga(std::string_view bytes) {
  std::vector<std::uint32_t> sizes;
  const std::size_t largest = app_.arena().largest();
  for (std::size_t left = bytes.size(); left != 0; left -= sizes.back())
    sizes.push_back(static_cast<std::uint32_t>(std::min(left, largest)));
  const Sga sga = runtime().alloc_chain(sizes);
  REQUIRE(sga != 0);
  app_.arena().for_each_segment(sga, [&](std::span<std::uint8_t> segment) {
    std::memcpy(segment.data(), bytes.data(), segment.size());
    bytes.remove_prefix(segment.size());
  });
  return sga;
}

void Libos::close(Qd qd) {
  runtime().submit();
  REQUIRE(runtime().close(qd) == 0);
}

Completion Libos::wait(Qt qt, double seconds) {
  REQUIRE_MESSAGE(loopback_.until([&] { return done(qt); }, seconds), "token " << qt << " does not complete");
  const Completion c = done_.at(qt);
  done_.erase(qt);
  return c;
}

std::string Libos::take(const Completion& c) {
  REQUIRE(c.result >= 0);
  if (c.value == 0) return {};
  std::string out = app_.text(c.value);
  CHECK(out.size() == static_cast<std::size_t>(c.result));
  app_.free(c.value);
  return out;
}

bool Libos::clean() {
  return app_.at_rest() && stat("leaving") == 0 && stat("postedReceives") == 0 && stat("postedBytes") == 0 &&
         stat("sendsUnderWay") == 0 && stat("receivesFree") == receives_;
}

void Libos::check_clean() {
  if (loopback_.until([&] { return clean(); }, 30)) return;
  for (const char* name : {"outstanding", "queues", "appSlots", "deviceSlots", "leaving", "postedReceives",
                           "postedBytes", "sendsUnderWay"}) {
    CHECK_MESSAGE(stat(name) == 0, name << " is " << stat(name));
  }
  CHECK(stat("receivesFree") == receives_);
}

// ---- applications ---------------------------------------------------------------------------------------------------

std::string message(std::uint32_t n, std::size_t bytes) {
  std::string out(bytes, '\0');
  std::uint32_t state = n * 2654435761u + static_cast<std::uint32_t>(bytes);
  for (char& c : out) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  return out;
}

std::pair<Qd, Qd> connection(Libos& a, Libos& b) {
  const Qd listener = b.listener();
  const Qt accepted = b.accept(listener);
  const Qd client = a.socket();
  REQUIRE(a.wait(a.connect(client, b.address(listener))).result == 0);
  const Completion c = b.wait(accepted);
  REQUIRE(c.result == 0);
  b.close(listener);
  return {client, c.value};
}

EchoService::EchoService(Libos& os, int backlog)
    : os_(os),
      listener_(os.listener(backlog)),
      address_(os.address(listener_)),
      accept_(os.accept(listener_)),
      last_accept_(accept_) {
  os_.on_completion = [this](const Completion& c) { return completed(c); };
}

EchoService::~EchoService() {
  os_.close(listener_);
  accept_ = 0;
  // Who was accepted before is closed with the others.
  os_.turn();
  for (const auto& [qt, qd] : std::exchange(connections_, {})) {
    unheard_.insert(qt);
    os_.close(qd);
  }
  while (!unheard_.empty() || !answers_.empty()) os_.turn();
  os_.on_completion = nullptr;
}

bool EchoService::completed(const Completion& c) {
  if (c.qt == accept_ || c.qt == last_accept_) {
    if (c.result == 0) connections_[os_.pop(c.value)] = c.value;
    last_accept_ = 0;
    if (accept_ != 0) accept_ = last_accept_ = os_.accept(listener_);
    return true;
  }
  if (answers_.erase(c.qt) != 0) return true;  // the pop tells how the connection ended
  if (unheard_.erase(c.qt) != 0) {
    if (c.value != 0) os_.app().free(c.value);
    return true;
  }
  const auto found = connections_.find(c.qt);
  if (found == connections_.end()) return false;
  const Qd qd = found->second;
  connections_.erase(found);
  if (c.result <= 0) {
    ++ends[c.result];
    os_.close(qd);
    return true;
  }
  answers_.insert(os_.app().push(qd, c.value, layout::kFlagFree));
  connections_[os_.pop(qd)] = qd;
  return true;
}

void echo_once(Libos& client, const Address& service, std::size_t bytes) {
  const Qd qd = client.socket();
  REQUIRE(client.wait(client.connect(qd, service)).result == 0);
  const std::string sent = message(static_cast<std::uint32_t>(bytes), bytes);
  const Qt pop = client.pop(qd);
  const Qt push = client.push(qd, sent);
  CHECK(client.take(client.wait(pop)) == sent);
  CHECK(client.wait(push).result == static_cast<std::int32_t>(bytes));
  client.close(qd);
}

}  // namespace demi::rdma::test
