// The fabric by libfabric's FI_EP_MSG endpoints: verbs on RDMA devices, tcp anywhere. What it is made of has files to itself: the device, the
// two kinds of events, the Works, listeners that have closed.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <memory>
#include <string>
#include <unordered_map>

#include "fabric.hpp"
#include "fid.hpp"
#include "libfabric_completions.hpp"
#include "libfabric_device.hpp"
#include "libfabric_events.hpp"
#include "resting_listeners.hpp"
#include "work_pool.hpp"

namespace demi::rdma {

class LibfabricEndpoint;
class LibfabricListener;

class Libfabric final : public Fabric {
 public:
  // nullptr on failure: a negative errno in `error`, a sentence in `message`.
  static std::unique_ptr<Libfabric> open(const FabricOptions& options, std::string& message, int& error);
  ~Libfabric() override;

  const char* provider() const override { return device_.provider(); }
  const char* device() const override { return device_.name(); }
  std::size_t most_pieces() const override { return most_pieces_; }
  std::size_t most_bytes() const override { return device_.info().ep_attr->max_msg_size; }
  std::uint32_t most_works() const override { return works_.size(); }
  int register_memory(std::span<std::uint8_t> memory) override { return device_.register_memory(memory); }
  std::unique_ptr<Listener> bind(const Address& to, int& error) override;
  std::unique_ptr<Endpoint> endpoint(const Address& from, const Address& to, EndpointEvents& events,
                                     int& error) override;
  int connect(Endpoint& endpoint, std::span<const std::uint8_t> data) override;
  bool poll() override;
  Work* work() override { return works_.take(); }
  void retire(Work& work) override;
  void recycle(Work& work) override { works_.give(work); }
  int wait_fd() const override { return wait_fd_; }
  bool may_wait() override;

  // ---- for its endpoints and listeners ------------------------------------------------------------------------------

  // A request's handle is the endpoint's then, and nullptr in `info`, also when the endpoint could not be made: closing it rejects.
  std::unique_ptr<LibfabricEndpoint> make_endpoint(fi_info& info, EndpointEvents& events, int& error);
  void reject(fid_pep& listener, fi_info& request, std::span<const std::uint8_t> data);
  // What was read about it is also dropped: another may get its address.
  void forget(const fid& of);
  // Requests that nobody will answer: their listener closes.
  void reject_requests(fid_pep& listener);
  // Of a listener that has closed.
  void rest(Fid<fid_pep> listener, const Address& address);
  // Bytes of a message that libfabric sends without a completion; 0: never.
  static constexpr std::size_t kMostInjected = 256;
  void on_posted_send() { completions_.on_posted(); }
  std::size_t most_injected() const { return most_injected_; }
  void* memory_descriptor() const { return device_.memory_descriptor(); }

 private:
  struct Object {
    LibfabricEndpoint* endpoint = nullptr;
    LibfabricListener* listener = nullptr;
  };

  Libfabric() = default;
  int open_queues(const FabricOptions& options, std::string& message);
  int open_wait(std::string& message);
  bool poll_completions();
  bool poll_events();
  void dispatch(LibfabricEvent event);

  LibfabricDevice device_;
  LibfabricEvents events_;
  LibfabricCompletions completions_;
  RestingListeners resting_{*this};
  WorkPool works_;
  int wait_fd_ = -1;
  std::size_t most_pieces_ = 1;
  std::size_t most_injected_ = 0;
  bool leaks_rejected_ = false;
  std::uint32_t leaks_left_ = 256;
  std::unordered_map<const fid*, Object> objects_;
  std::uint32_t polls_ = 0;
  bool events_due_ = true;
};

}  // namespace demi::rdma
