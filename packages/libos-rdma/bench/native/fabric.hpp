// libfabric with nothing above it: connected endpoints, one completion queue, a few posted receives per endpoint.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../../native/fid.hpp"

namespace bare {

[[noreturn]] void die(const std::string& what, long error = 0);

using demi::rdma::Fid;
using demi::rdma::Info;

class Peer;

// What an operation was, found again by its completion. `reserved` is the provider's while it is posted (fi_context2).
struct Context {
  fi_context2 reserved{};
  Peer* peer = nullptr;
  std::uint8_t* memory = nullptr;
  bool sending = false;
};

// One connection.
class Peer {
 public:
  // Each message under way needs one; a closed loop with one message needs two, so that the next is posted before it is answered.
  static constexpr std::size_t kReceives = 4;

  Peer(class Fabric& fabric, Fid<fid_ep> endpoint, std::size_t bytes);
  void post(Context& receive);
  // From registered memory; copied at once where the message is short enough for the provider.
  void send(const std::uint8_t* bytes, std::size_t count);
  fid_ep& endpoint() { return *endpoint_; }
  bool sending() const { return sends_ != 0; }
  void sent() { --sends_; }
  std::uint8_t* message() { return memory_.data(); }

  bool connected = false;
  std::int64_t since = 0;

 private:
  class Fabric& fabric_;
  std::size_t bytes_;
  std::vector<std::uint8_t> memory_;  // one message to send, then the receives
  Fid<fid_mr> region_;
  Fid<fid_ep> endpoint_;
  Context send_;
  Context receives_[kReceives];
  int sends_ = 0;
};

class Fabric {
 public:
  // `port` empty: to listen on a port of the kernel's choice. Ends the process when something fails.
  Fabric(const std::string& provider, const std::string& address, const std::string& port, std::size_t bytes);

  int listen();
  std::unique_ptr<Peer> connect();
  // Nothing, or a connection somebody asked for; marks those that came about.
  std::unique_ptr<Peer> poll_events();
  // Calls received(peer, context, bytes) for each message.
  template <typename Received>
  bool poll(Received received);

  fid_domain& domain() { return *domain_; }
  // Of a registration: the provider's own choice on verbs, ours on tcp.
  std::uint64_t next_key() { return ++key_; }
  std::size_t inject_size() const { return info_->tx_attr->inject_size; }

 private:
  std::unique_ptr<Peer> make_peer(fi_info& info);
  int read_completions(fi_cq_msg_entry* entries, int most);

  static constexpr int kBatch = 32;
  std::size_t bytes_;
  std::uint64_t key_ = 0;
  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  Fid<fid_eq> events_;
  Fid<fid_cq> completions_;
  Fid<fid_pep> listener_;
};

template <typename Received>
bool Fabric::poll(Received received) {
  fi_cq_msg_entry entries[kBatch];
  const int n = read_completions(entries, kBatch);
  for (int i = 0; i < n; ++i) {
    auto* const context = static_cast<Context*>(entries[i].op_context);
    if (context->sending) {
      context->peer->sent();
    } else {
      received(*context->peer, *context, entries[i].len);
    }
  }
  return n > 0;
}

}  // namespace bare
