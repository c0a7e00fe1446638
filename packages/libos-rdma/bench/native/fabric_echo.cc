// An echo server and its client on bare libfabric: what the backend could at best be over the same provider.
//
//   fabric_echo server PROVIDER ADDRESS BYTES                               says "listening on ADDRESS:PORT", serves until SIGTERM
//   fabric_echo client PROVIDER SERVER CONNECTIONS BYTES SECONDS WARMUP PID   prints one line of JSON, microseconds
//
// Each connection has one message under way. Both ends spin on one completion queue and check every message.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fabric.hpp"
#include "measure.hpp"

namespace {

using namespace bare;  // NOLINT(google-build-using-namespace): a program of one file

// Connections come and go far less often than messages.
constexpr int kPollsPerEvents = 64;
constexpr std::int64_t kSecond = 1'000'000'000;

volatile std::sig_atomic_t stopping = 0;

void serve(Fabric& fabric, const std::string& address) {
  std::printf("listening on %s:%d\n", address.c_str(), fabric.listen());
  std::fflush(stdout);
  std::vector<std::unique_ptr<Peer>> peers;
  // A message is answered from where it lies; its receive is posted again when it has left.
  std::vector<Context*> leaving;
  for (int polls = 0; stopping == 0; ++polls) {
    if (polls % kPollsPerEvents == 0) {
      if (auto peer = fabric.poll_events()) peers.push_back(std::move(peer));
    }
    fabric.poll([&](Peer& peer, Context& receive, std::size_t bytes) {
      peer.send(receive.memory, bytes);
      if (peer.sending()) return leaving.push_back(&receive);
      peer.post(receive);
    });
    if (leaving.empty()) continue;
    std::erase_if(leaving, [](Context* receive) {
      if (receive->peer->sending()) return false;
      receive->peer->post(*receive);
      return true;
    });
  }
}

class Load {
 public:
  Load(Fabric& fabric, std::size_t bytes, int connections) : fabric_(fabric), bytes_(bytes) {
    for (int i = 0; i < connections; ++i) peers_.push_back(fabric.connect());
    const std::int64_t end = now() + 10 * kSecond;
    while (!std::ranges::all_of(peers_, &Peer::connected)) {
      fabric_.poll_events();
      fabric_.poll([](Peer&, Context&, std::size_t) {});
      if (now() > end) die("not all connections were made within 10 s");
    }
    for (const auto& peer : peers_) {
      for (std::size_t i = 0; i < bytes_; ++i) peer->message()[i] = static_cast<std::uint8_t>(std::rand());
      begin(*peer);
    }
  }

  void run(double seconds) {
    const std::int64_t end = now() + static_cast<std::int64_t>(seconds * 1e9);
    while (now() < end && stopping == 0) {
      fabric_.poll([&](Peer& peer, Context& receive, std::size_t bytes) {
        if (bytes != bytes_ || std::memcmp(receive.memory, peer.message(), bytes) != 0) die("wrong bytes came back");
        latencies_.push_back(now() - peer.since);
        peer.post(receive);
        ++peer.message()[0];
        begin(peer);
      });
    }
  }

  std::vector<std::int64_t>& latencies() { return latencies_; }

 private:
  void begin(Peer& peer) {
    peer.since = now();
    peer.send(peer.message(), bytes_);
  }

  Fabric& fabric_;
  std::size_t bytes_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<std::int64_t> latencies_;
};

std::size_t message_bytes(const char* text) {
  const int bytes = std::atoi(text);
  if (bytes < 1 || bytes > 1 << 20) die("bytes in a message: 1 to 1048576");
  return static_cast<std::size_t>(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopping = 1; });
  if (argc == 5 && std::strcmp(argv[1], "server") == 0) {
    Fabric fabric(argv[2], argv[3], "", message_bytes(argv[4]));
    serve(fabric, argv[3]);
  } else if (argc == 9 && std::strcmp(argv[1], "client") == 0) {
    const std::string server = argv[3];
    const std::size_t colon = server.rfind(':');
    const int connections = std::atoi(argv[4]);
    const std::size_t bytes = message_bytes(argv[5]);
    const double seconds = std::atof(argv[6]);
    const double warmup = std::atof(argv[7]);
    if (colon == std::string::npos) die("the server is ADDRESS:PORT");
    if (connections < 1 || connections > 1024 || !(seconds > 0 && seconds <= 60) || !(warmup >= 0 && warmup <= 60))
      die("a number");
    Fabric fabric(argv[2], server.substr(0, colon), server.substr(colon + 1), bytes);
    Load load(fabric, bytes, connections);
    measure(load, seconds, warmup, argv[8]);
  } else {
    std::fprintf(
        stderr,
        "usage: %s server PROVIDER ADDRESS BYTES | client PROVIDER SERVER CONNECTIONS BYTES SECONDS WARMUP PID\n",
        argv[0]);
    return 2;
  }
  return 0;
}
