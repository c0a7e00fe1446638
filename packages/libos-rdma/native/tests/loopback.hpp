// libOSes and peers in one process, on loopback over libfabric's provider tcp or over shm: a turn drives each of them once, so that nobody
// waits for somebody who is not driven.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "application.hpp"
#include "rdma_engine.hpp"

namespace demi::rdma::test {

using demi::test::Completion;

class Driven {
 public:
  virtual void turn() = 0;

 protected:
  ~Driven() = default;
};

class Loopback {
 public:
  explicit Loopback(std::string provider = "tcp") : provider_(std::move(provider)) {}
  const std::string& provider() const { return provider_; }
  // Turns until it is true. Returns whether it became so; the machine may be slow.
  bool until(const std::function<bool()>& reached, double seconds = 60);
  void turn();
  void turns(int n) {
    while (n-- > 0) turn();
  }
  void run(double seconds);

  void add(Driven& one) { driven_.push_back(&one); }
  void remove(Driven& one) { std::erase(driven_, &one); }

 private:
  std::string provider_;
  std::vector<Driven*> driven_;
};

// Runs the rest of the test for each provider there is on every machine.
std::string each_provider();

// A libOS as the addon opens it.
class Libos final : public Driven {
 public:
  explicit Libos(Loopback& loopback, const Config& changes = {}, Limits limits = usual_limits());
  ~Libos();
  Libos(const Libos&) = delete;
  Libos& operator=(const Libos&) = delete;

  static Limits usual_limits();

  void turn() override;
  demi::test::Application& app() { return app_; }
  Runtime& runtime() { return app_.runtime(); }
  Arena& arena() { return app_.arena(); }
  double stat(const char* name) { return app_.stats().at(name); }

  Qd socket() { return opened(SocketKind::kStream); }
  // Listens on a port of 127.0.0.1 that is free.
  Qd listener(int backlog = 64);
  // A socket for datagrams, on a port of 127.0.0.1 that is free or this one.
  Qd datagram_socket(std::uint16_t port = 0);
  Address address(Qd qd);
  Qt accept(Qd qd) { return app_.start(layout::kOpAccept, qd, 0); }
  Qt connect(Qd qd, const Address& to);
  Qt push(Qd qd, std::string_view bytes) { return app_.push(qd, sga(bytes), layout::kFlagFree); }
  Qt push_to(Qd qd, std::string_view bytes, const Address& to);
  Qt pop(Qd qd, std::int32_t limit = 0) { return app_.pop(qd, limit); }
  void close(Qd qd);

  bool done(Qt qt) const { return done_.contains(qt); }
  // The completion of a token, REQUIREd to come; everybody is driven meanwhile.
  Completion wait(Qt qt, double seconds = 60);
  // The bytes of a popped sga, which is freed.
  std::string take(const Completion& c);

  // Completions are handed to this instead, and wait() does not see them, when it returns true.
  std::function<bool(const Completion&)> on_completion;

  // Everything is back once the goodbyes are over: no token, queue, posted receive, send, buffer or sga is left. CHECKs it.
  void check_clean();

 private:
  bool clean();
  Qd opened(SocketKind kind);
  Sga sga(std::string_view bytes);

  Loopback& loopback_;
  std::unique_ptr<Device> device_;
  demi::test::Application app_;
  double receives_ = 0;
  std::map<Qt, Completion> done_;
};

// What is sent: bytes that `n` and the length determine.
std::string message(std::uint32_t n, std::size_t bytes);
// The two ends of a new connection: `b` accepts.
std::pair<Qd, Qd> connection(Libos& a, Libos& b);
// An application that answers every message of every connection with itself, for as long as it lives.
class EchoService {
 public:
  explicit EchoService(Libos& os, int backlog = 64);
  ~EchoService();
  EchoService(const EchoService&) = delete;
  EchoService& operator=(const EchoService&) = delete;
  Address address() const { return address_; }
  std::size_t connections() const { return connections_.size(); }
  // How the connections ended: 0 is an end of stream.
  std::map<int, std::uint64_t> ends;

 private:
  bool completed(const Completion& c);

  Libos& os_;
  Qd listener_;
  Address address_;
  Qt accept_;  // 0: no more
  Qt last_accept_;
  std::map<Qt, Qd> connections_;  // by the pop that waits on it
  std::set<Qt> answers_;          // pushes under way
  std::set<Qt> unheard_;          // pops of connections we have closed
};

// Connects, sends a message of several fragments, takes it back and closes. REQUIREs that it comes back.
void echo_once(Libos& client, const Address& service, std::size_t bytes = 10'000);

// A service, and somebody well-behaved who uses it.
struct Served {
  explicit Served(const Config& changes = {}, const std::string& provider = "tcp")
      : loopback(provider), os(loopback, changes), client(loopback) {}
  void still_serves() { echo_once(client, service.address()); }
  Loopback loopback;
  Libos os;
  Libos client;
  EchoService service{os};
};

// Bytes the process has on its heap, libfabric's included.
std::size_t heap_bytes();

}  // namespace demi::rdma::test
