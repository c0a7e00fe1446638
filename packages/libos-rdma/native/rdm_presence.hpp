// Which libOSes this process has over shm, whichever thread they belong to, and what one leaves behind.
//
// libfabric maps the memory of an endpoint of the same process without a reference to it. When one is done with, nobody sends to it any more,
// and it is closed when nobody of this process knows it any more: what it sent last makes others look at its memory.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>

#include <memory>
#include <shared_mutex>
#include <string>

#include "demi/mapping.hpp"
#include "fid.hpp"
#include "rendezvous.hpp"

namespace demi::rdma {

// What an endpoint over shm is made of, in the order in which it is made; closed the other way round.
struct RdmObjects {
  OwnFd file;
  std::unique_ptr<Mapping> memory;
  Fid<fid_fabric> fabric;
  Fid<fid_domain> domain;
  Fid<fid_mr> region;
  Fid<fid_cq> completions;
  Fid<fid_av> peers;
  Fid<fid_ep> endpoint;
};

class RdmPresence {
 public:
  static std::shared_ptr<RdmPresence> add(const std::string& name);
  // nullptr: another process's.
  static std::shared_ptr<RdmPresence> find(const std::string& name);

  // Of the name, for good. Keeps what it is made of for those who know it.
  void leave(const std::string& name, RdmObjects objects);

  // Shared while somebody sends to it.
  std::shared_mutex& lock() { return lock_; }
  bool here() const { return here_; }

 private:
  std::shared_mutex lock_;
  bool here_ = true;
  RdmObjects left_;
};

}  // namespace demi::rdma
