// The peers of an endpoint over shm: known to libfabric for as long as something goes on with them.
#pragma once

#include <rdma/fi_domain.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "rdm_presence.hpp"

namespace demi::rdma {

class SharedEndpoint;

struct RdmPeer {
  fi_addr_t address = FI_ADDR_NOTAVAIL;
  std::shared_ptr<RdmPresence> presence;  // of this process, and not ourselves
  std::uint32_t connections = 0;
};

class RdmPeers {
 public:
  // libfabric has room for 256 and, built without assertions, does not notice one more. We may be among our peers.
  static constexpr std::size_t kMost = 255;

  explicit RdmPeers(SharedEndpoint& endpoint) : endpoint_(endpoint) {}

  // A peer, until part(); nullptr when it cannot be.
  const RdmPeer* meet(const std::string& name);
  void part(const std::string& name);

 private:
  SharedEndpoint& endpoint_;
  std::map<std::string, RdmPeer> met_;
};

}  // namespace demi::rdma
