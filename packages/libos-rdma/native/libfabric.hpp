// The fabric by libfabric's FI_EP_MSG endpoints: verbs on RDMA devices, tcp anywhere.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include "fabric.hpp"
#include "fid.hpp"

namespace demi::rdma {

class LibfabricEndpoint;
class LibfabricListener;

class Libfabric final : public Fabric {
 public:
  // nullptr on failure: a negative errno in `error`, a sentence in `message`.
  static std::unique_ptr<Libfabric> open(const FabricOptions& options, std::string& message, int& error);
  ~Libfabric() override;

  const char* provider() const override { return info_->fabric_attr->prov_name; }
  const char* device() const override { return info_->domain_attr->name; }
  std::size_t most_pieces() const override { return most_pieces_; }
  std::size_t most_bytes() const override { return info_->ep_attr->max_msg_size; }
  std::uint32_t most_works() const override { return most_works_; }
  int register_memory(std::span<std::uint8_t> memory) override;
  std::unique_ptr<Listener> bind(const Address& to, int& error) override;
  std::unique_ptr<Endpoint> endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                     int& error) override;
  int connect(Endpoint& endpoint, std::span<const std::uint8_t> data) override;
  bool poll() override;
  Work* work() override;
  void retire(Work& work) override;
  void recycle(Work& work) override { free_.push_back(&work); }
  int wait_fd() const override { return wait_fd_; }
  bool may_wait() override;

  // ---- for its endpoints and listeners ------------------------------------------------------------------------------

  // A request's handle is the endpoint's then, and nullptr in `info`, also when the endpoint could not be made: closing it rejects.
  std::unique_ptr<LibfabricEndpoint> make_endpoint(fi_info& info, EndpointEvents& events, int& error);
  void reject(fid_pep& listener, fi_info& request, std::span<const std::uint8_t> data);
  // What was read about it is dropped, too: another may get its address.
  void forget(const fid& of);
  // Requests that nobody will answer: their listener closes.
  void reject_requests(fid_pep& listener);
  // Of a listener that has closed: see Resting.
  void rest(Fid<fid_pep> listener, const Address& address);
  // Bytes of a message that is sent without a completion of libfabric's; 0: none.
  static constexpr std::size_t kMostInjected = 256;
  void sending() { ++sending_; }
  std::size_t most_injected() const { return most_injected_; }
  void* memory_descriptor() const { return fi_mr_desc(memory_.get()); }
  fid_fabric& fabric() { return *fabric_; }
  fid_eq& events() { return *events_; }

 private:
  struct Object {
    LibfabricEndpoint* endpoint = nullptr;
    LibfabricListener* listener = nullptr;
  };
  struct Event {
    std::uint32_t kind = 0;  // 0: a failure, `error` says which
    fid* of = nullptr;
    int error = 0;
    Info info;
    std::vector<std::uint8_t> data;
  };

  // libfabric's tcp reads freed memory when a listener is closed while a connection to it is halfway through its request (mended in
  // 2026: ofiwg/libfabric#12709). Those that have closed go on for a moment, and reject whoever comes.
  struct Resting {
    Fid<fid_pep> listener;
    Address address;
    std::chrono::steady_clock::time_point until;
  };
  static constexpr std::chrono::seconds kResting{2};
  static constexpr std::size_t kMostResting = 256;

  Libfabric() = default;
  int open_queues(const FabricOptions& options, std::string& message);
  fid* waited_queue() const { return sends_ ? &sends_->fid : &completions_->fid; }
  Info info_for(const Address& from, const Address& to) const;
  bool poll_completions();
  bool read(fid_cq& queue);
  bool quiet() const;
  void on_completion_error(fid_cq& queue);
  bool poll_events();
  bool read_event(Event& out);
  void tell(Event event);
  Fid<fid_pep> wake(const Address& to);
  void end_rest(bool oldest);

  // In the order in which they are made; closed the other way round.
  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  Fid<fid_mr> memory_;
  Fid<fid_eq> events_;
  Fid<fid_cq> completions_;
  // tcp only: those of sends have a queue of their own, which can be waited on: its descriptor tells of the sockets of all that is bound
  // to it, and so of what arrives for the other queue, too. That one cannot be, because libfabric asks its sockets by poll(2) then, and
  // not by epoll, which takes longer while they are few.
  Fid<fid_cq> sends_;
  int wait_fd_ = -1;
  int queue_fd_ = -1;  // of waited_queue()
  std::size_t most_pieces_ = 1;
  std::size_t most_injected_ = 0;
  std::uint32_t most_works_ = 0;
  bool leaks_rejected_ = false;
  std::uint32_t leaks_left_ = 256;
  std::unordered_map<const fid*, Object> objects_;
  bool emptied_ = false;  // by the last read
  bool arrived_ = false;  // a message, in this poll
  std::uint32_t polls_ = 0;
  std::uint32_t sending_ = 0;  // whose completions have not come
  bool events_due_ = true;
  std::deque<Event> waiting_events_;
  std::deque<Resting> resting_;

  std::vector<std::unique_ptr<Work[]>> works_;
  std::vector<Work*> free_;
  std::vector<Work*> retired_;
  std::vector<Work*> leaving_;
};

}  // namespace demi::rdma
