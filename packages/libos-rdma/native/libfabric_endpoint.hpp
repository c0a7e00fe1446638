// libfabric's connection, listening address and request, one of each.
#pragma once

#include <memory>
#include <vector>

#include "libfabric.hpp"

namespace demi::rdma {

class LibfabricEndpoint final : public Endpoint {
 public:
  LibfabricEndpoint(Libfabric& fabric, Fid<fid_ep> endpoint, EndpointEvents& events)
      : fabric_(fabric), endpoint_(std::move(endpoint)), events_(events) {}
  ~LibfabricEndpoint() override;

  int post(std::uint8_t* memory, std::size_t bytes, Work& work) override;
  int send(std::span<const iovec> pieces, Work& work) override;
  int inject(std::span<const iovec> pieces) override;
  int accept(std::span<const std::uint8_t> data) override;
  int local_address(Address& out) const override;
  int peer_address(Address& out) const override;

  int connect(std::span<const std::uint8_t> data);
  void set_destination(const Address& to) { destination_ = to; }
  EndpointEvents& events() { return events_; }

 private:
  Libfabric& fabric_;
  Fid<fid_ep> endpoint_;
  EndpointEvents& events_;
  std::uint32_t sends_ = 0;  // whose completions have not come
  Address destination_;
};

class LibfabricRequest final : public Request {
 public:
  LibfabricRequest(Libfabric& fabric, fid_pep& listener, Info info, std::span<const std::uint8_t> data)
      : fabric_(fabric), listener_(listener), info_(std::move(info)), data_(data) {}
  ~LibfabricRequest() override;
  std::span<const std::uint8_t> data() const override { return data_; }
  std::unique_ptr<Endpoint> take(EndpointEvents& events, int& error) override;
  void reject(std::span<const std::uint8_t> data) override;

 private:
  Libfabric& fabric_;
  fid_pep& listener_;
  Info info_;
  std::span<const std::uint8_t> data_;
};

class LibfabricListener final : public Listener {
 public:
  LibfabricListener(Libfabric& fabric, Fid<fid_pep> endpoint, bool listening)
      : fabric_(fabric), endpoint_(std::move(endpoint)), listening_(listening) {}
  ~LibfabricListener() override;
  int listen(ListenerEvents& events) override;
  // libfabric accepts by itself, and says nothing of shortages.
  void resume() override {}
  int local_address(Address& out) const override;

  void on_request(Info info, std::span<const std::uint8_t> data);

 private:
  Libfabric& fabric_;
  Fid<fid_pep> endpoint_;
  bool listening_;
  ListenerEvents* events_ = nullptr;
};

}  // namespace demi::rdma
