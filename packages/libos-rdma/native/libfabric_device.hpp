// A device as libfabric finds it, and what of it is opened once: the fabric, the domain, and the memory that is registered there.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>

#include <cstdint>
#include <span>
#include <string>

#include "fabric.hpp"
#include "fid.hpp"

namespace demi::rdma {

class LibfabricDevice {
 public:
  // 0, or a negative errno that `message` explains.
  int find(const FabricOptions& options, std::string& message);
  int open(std::string& message);
  int register_memory(std::span<std::uint8_t> memory);
  // Before the fabric does by itself.
  void close();

  const char* provider() const { return info_->fabric_attr->prov_name; }
  const char* name() const { return info_->domain_attr->name; }
  bool is_tcp() const;
  const fi_info& info() const { return *info_; }
  // What an endpoint between these addresses is to be like; a listener has no `to`. nullptr: no memory.
  Info info_for(const Address& from, const Address& to) const;

  fid_fabric& fabric() const { return *fabric_; }
  fid_domain& domain() const { return *domain_; }
  void* memory_descriptor() const { return fi_mr_desc(memory_.get()); }

 private:
  // In the order in which they are made; closed the other way round.
  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  Fid<fid_mr> memory_;
};

}  // namespace demi::rdma
