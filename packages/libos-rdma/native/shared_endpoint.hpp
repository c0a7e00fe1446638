// The one libfabric reliable datagram endpoint (FI_EP_RDM) over shm that all connections of a libOS share: messages in and out, each
// behind an envelope. Messages are copied in and out, and only as many bytes at a time as shm copies into the peer's memory at once
// (fi_inject): nothing of an application's memory is ever in another process's hands, and nothing waits for a peer that died.
//
// Each message on the wire: 4 bytes connection, 4 bytes cookie, both as the receiver gave them; then the message.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fid.hpp"
#include "rdm_demux.hpp"
#include "rdm_peers.hpp"
#include "rdm_presence.hpp"

namespace demi::rdma {

class SharedEndpoint {
 public:
  static constexpr std::size_t kEnvelope = 8;

  // What arrives goes there.
  explicit SharedEndpoint(RdmDemux& demux) : demux_(demux) {}

  // `buffer`: bytes of the largest message. 0, or a negative errno that `message` explains.
  int open(const std::string& name, std::size_t buffer, std::string& message);
  // For good: before it is destroyed.
  void close();

  // By which peers find it.
  const std::string& name() const { return name_; }
  // Bytes of one message, at most, envelope not included.
  std::size_t most_bytes() const { return info_->tx_attr->inject_size - kEnvelope; }
  fid_av& peers() const { return *objects_.peers; }

  // Copies the pieces behind an envelope and sends them. 0, -EAGAIN or another negative errno.
  int send(const RdmPeer& to, std::uint32_t id, std::uint32_t cookie, std::span<const iovec> pieces);
  // Takes in what has arrived, as much as is due in one poll. True when there was something.
  bool poll();
  // The same, until there is no more.
  void drain();

 private:
  int open_objects(std::string& message);
  int enable(std::string& message);
  int post_receives(std::string& message);
  int post(std::size_t n);
  void post_read();
  int read_completions();
  void on_arrived(std::size_t n, std::size_t bytes);

  RdmDemux& demux_;
  std::string name_;
  std::size_t bytes_ = 0;  // of one buffer
  std::vector<fi_context2> receives_;
  std::vector<std::size_t> read_;  // receives to be posted again
  std::vector<std::uint8_t> outgoing_;
  std::shared_ptr<RdmPresence> presence_;
  Info info_;
  RdmObjects objects_;
};

}  // namespace demi::rdma
