// As fabric_echo, over a provider of datagrams (FI_EP_RDM): one endpoint at each end, and as many messages under way as there would be
// connections. The first message is the client's name.
//
//   shm_echo server PROVIDER NAME BYTES                                   says "listening on SERVER", serves until SIGTERM
//   shm_echo client PROVIDER SERVER MESSAGES BYTES SECONDS WARMUP PID     prints one line of JSON, microseconds
#include <rdma/fi_errno.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "fabric.hpp"
#include "measure.hpp"

namespace {

using namespace bare;  // NOLINT(google-build-using-namespace): a program of one file

constexpr int kBatch = 32;
constexpr std::size_t kNameBytes = 256;
// All but one of these may be under way.
constexpr std::size_t kReceives = 512;

volatile std::sig_atomic_t stopping = 0;

void check(long error, const char* what) {
  if (error != 0) die(what, error);
}

// A receive, found again by its completion.
struct Receive {
  fi_context2 reserved{};
  std::uint8_t* memory = nullptr;
};

class Endpoint {
 public:
  Endpoint(const std::string& provider, const std::string& name, std::size_t bytes)
      : bytes_(std::max(bytes, kNameBytes)), memory_(kReceives * bytes_), receives_(kReceives) {
    const Info hints(fi_allocinfo());
    hints->caps = FI_MSG;
    hints->mode = FI_CONTEXT | FI_CONTEXT2;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    hints->addr_format = FI_ADDR_STR;
    hints->fabric_attr->prov_name = ::strdup(provider.c_str());
    fi_info* info = nullptr;
    check(fi_getinfo(FI_VERSION(1, 17), name.c_str(), nullptr, FI_SOURCE, hints.get(), &info), "no such provider here");
    info_.reset(info);
    if (bytes > info->tx_attr->inject_size) die("a message is sent at once: it is too long for that");
    check(open(fabric_, [&](fid_fabric** fid) { return fi_fabric(info->fabric_attr, fid, nullptr); }), "fi_fabric");
    check(open(domain_, [&](fid_domain** fid) { return fi_domain(fabric_.get(), info, fid, nullptr); }), "fi_domain");
    fi_cq_attr queue{};
    queue.size = 2 * kReceives;
    queue.format = FI_CQ_FORMAT_MSG;
    queue.wait_obj = FI_WAIT_NONE;
    check(open(completions_, [&](fid_cq** fid) { return fi_cq_open(domain_.get(), &queue, fid, nullptr); }),
          "fi_cq_open");
    fi_av_attr vector{};
    check(open(peers_, [&](fid_av** fid) { return fi_av_open(domain_.get(), &vector, fid, nullptr); }), "fi_av_open");
    check(open(endpoint_, [&](fid_ep** fid) { return fi_endpoint(domain_.get(), info, fid, nullptr); }), "fi_endpoint");
    check(fi_ep_bind(endpoint_.get(), &completions_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    check(fi_ep_bind(endpoint_.get(), &peers_->fid, 0), "fi_ep_bind");
    check(fi_enable(endpoint_.get()), "fi_enable");
    check(open(region_,
               [&](fid_mr** fid) {
                 return fi_mr_reg(domain_.get(), memory_.data(), memory_.size(), FI_SEND | FI_RECV, 0, 1, 0, fid,
                                  nullptr);
               }),
          "fi_mr_reg");
    for (std::size_t i = 0; i < kReceives; ++i) {
      receives_[i].memory = memory_.data() + i * bytes_;
      post(receives_[i]);
    }
  }

  std::string name() {
    char name[kNameBytes] = "";
    std::size_t length = sizeof name;
    check(fi_getname(&endpoint_->fid, name, &length), "fi_getname");
    return name;
  }

  void set_peer(const std::string& name) {
    if (fi_av_insert(peers_.get(), name.c_str(), 1, &peer_, 0, nullptr) != 1) die("fi_av_insert");
  }

  void post(Receive& receive) {
    check(fi_recv(endpoint_.get(), receive.memory, bytes_, fi_mr_desc(region_.get()), FI_ADDR_UNSPEC, &receive),
          "fi_recv");
  }

  // False: the peer's queue is full for now.
  bool send(const void* bytes, std::size_t count) {
    const ssize_t error = fi_inject(endpoint_.get(), bytes, count, peer_);
    if (error == -FI_EAGAIN) return false;
    check(error, "fi_inject");
    return true;
  }

  template <typename Received>
  void poll(Received received) {
    fi_cq_msg_entry entries[kBatch];
    const ssize_t n = fi_cq_read(completions_.get(), entries, kBatch);
    if (n < 0 && n != -FI_EAGAIN) die("a completion", n);
    for (ssize_t i = 0; i < n; ++i) received(*static_cast<Receive*>(entries[i].op_context), entries[i].len);
  }

 private:
  template <typename F, typename Call>
  static int open(Fid<F>& out, Call call) {
    F* made = nullptr;
    const int error = call(&made);
    if (error == 0) out.reset(made);
    return error;
  }

  std::size_t bytes_;
  std::vector<std::uint8_t> memory_;
  std::vector<Receive> receives_;
  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  Fid<fid_mr> region_;
  Fid<fid_cq> completions_;
  Fid<fid_av> peers_;
  Fid<fid_ep> endpoint_;
  fi_addr_t peer_ = FI_ADDR_UNSPEC;
};

void serve(const std::string& provider, const std::string& name, std::size_t bytes) {
  Endpoint endpoint(provider, name + "-" + std::to_string(::getpid()), bytes);
  std::printf("listening on %s\n", endpoint.name().c_str());
  std::fflush(stdout);
  bool known = false;
  while (stopping == 0) {
    endpoint.poll([&](Receive& receive, std::size_t length) {
      if (!known) {
        endpoint.set_peer(reinterpret_cast<const char*>(receive.memory));
        known = true;
      } else {
        while (!endpoint.send(receive.memory, length) && stopping == 0) {
        }
      }
      endpoint.post(receive);
    });
  }
}

class Load {
 public:
  Load(Endpoint& endpoint, std::size_t bytes, std::size_t messages)
      : endpoint_(endpoint), bytes_(bytes), messages_(messages, std::vector<std::uint8_t>(bytes)), since_(messages) {
    const std::string name = endpoint.name();
    const std::int64_t end = now() + 5'000'000'000;
    while (!endpoint.send(name.c_str(), name.size() + 1)) {
      endpoint.poll([](Receive&, std::size_t) {});
      if (now() > end) die("the server takes nothing");
    }
    for (std::uint32_t i = 0; i < messages; ++i) {
      for (auto& byte : messages_[i]) byte = static_cast<std::uint8_t>(std::rand());
      std::memcpy(messages_[i].data(), &i, sizeof i);
      begin(i);
    }
  }

  void run(double seconds) {
    const std::int64_t end = now() + static_cast<std::int64_t>(seconds * 1e9);
    while (now() < end && stopping == 0) {
      endpoint_.poll([&](Receive& receive, std::size_t length) {
        std::uint32_t which = 0;
        std::memcpy(&which, receive.memory, sizeof which);
        if (length != bytes_ || which >= messages_.size() ||
            std::memcmp(receive.memory, messages_[which].data(), bytes_) != 0)
          die("wrong bytes came back");
        latencies_.push_back(now() - since_[which]);
        endpoint_.post(receive);
        ++messages_[which][bytes_ - 1];
        begin(which);
      });
    }
  }

  std::vector<std::int64_t>& latencies() { return latencies_; }

 private:
  void begin(std::uint32_t which) {
    since_[which] = now();
    while (!endpoint_.send(messages_[which].data(), bytes_) && stopping == 0) {
    }
  }

  Endpoint& endpoint_;
  std::size_t bytes_;
  std::vector<std::vector<std::uint8_t>> messages_;
  std::vector<std::int64_t> since_;
  std::vector<std::int64_t> latencies_;
};

std::size_t message_bytes(const char* text) {
  const int bytes = std::atoi(text);
  if (bytes < 5) die("bytes in a message: at least 5");
  return static_cast<std::size_t>(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopping = 1; });
  if (argc == 5 && std::strcmp(argv[1], "server") == 0) {
    serve(argv[2], argv[3], message_bytes(argv[4]));
  } else if (argc == 9 && std::strcmp(argv[1], "client") == 0) {
    const int messages = std::atoi(argv[4]);
    const std::size_t bytes = message_bytes(argv[5]);
    const double seconds = std::atof(argv[6]);
    const double warmup = std::atof(argv[7]);
    if (messages < 1 || messages >= static_cast<int>(kReceives) || !(seconds > 0 && seconds <= 60) ||
        !(warmup >= 0 && warmup <= 60))
      die("a number");
    Endpoint endpoint(argv[2], "demi-bench-client-" + std::to_string(::getpid()), bytes);
    endpoint.set_peer(argv[3]);
    Load load(endpoint, bytes, static_cast<std::size_t>(messages));
    measure(load, seconds, warmup, argv[8]);
  } else {
    std::fprintf(stderr,
                 "usage: %s server PROVIDER NAME BYTES | client PROVIDER SERVER MESSAGES BYTES SECONDS WARMUP PID\n",
                 argv[0]);
    return 2;
  }
  return 0;
}
