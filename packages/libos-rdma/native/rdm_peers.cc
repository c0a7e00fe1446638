#include "rdm_peers.hpp"

#include "region_file.hpp"
#include "shared_endpoint.hpp"

namespace demi::rdma {

const RdmPeer* RdmPeers::meet(const std::string& name) {
  const auto known = met_.find(name);
  // If libfabric does not find a peer's memory, it also gives the peer's place to the next one, and forgets both with the first.
  if (known == met_.end() && (met_.size() == kMost || !is_held(name))) return nullptr;
  RdmPeer& peer = met_[name];
  if (peer.connections == 0) {
    if (name != endpoint_.name()) peer.presence = RdmPresence::find(name);
    if (fi_av_insert(&endpoint_.peers(), name.c_str(), 1, &peer.address, 0, nullptr) != 1) {
      met_.erase(name);
      return nullptr;
    }
  }
  ++peer.connections;
  return &peer;
}

void RdmPeers::part(const std::string& name) {
  const auto found = met_.find(name);
  if (found == met_.end() || --found->second.connections != 0) return;
  fi_av_remove(&endpoint_.peers(), &found->second.address, 1, 0);
  met_.erase(found);
}

}  // namespace demi::rdma
