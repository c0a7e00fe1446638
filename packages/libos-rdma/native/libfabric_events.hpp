// Events of connection management, as libfabric's event queue brings them: requests, connections that came about or did not, their end.
#pragma once

#include <rdma/fi_cm.h>
#include <rdma/fi_eq.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "fid.hpp"

namespace demi::rdma {

struct LibfabricEvent {
  std::uint32_t kind = 0;  // 0: a failure, `error` says which
  fid* of = nullptr;
  int error = 0;
  Info info;
  std::vector<std::uint8_t> data;
};

class LibfabricEvents {
 public:
  // 0, or a negative errno that `message` explains.
  int open(fid_fabric& fabric, std::string& message);
  void close();

  // The oldest that nobody has heard of. False: nothing new.
  bool next(LibfabricEvent& out);
  // The requests for this listener out of those, the oldest first.
  std::vector<Info> take_requests(const fid& listener);
  // What was read about it is dropped: another may get its address.
  void forget(const fid& of);
  // Some were read ahead, and nothing that is waited on tells of them.
  bool any_kept() const { return !kept_.empty(); }

  fid_eq& queue() const { return *queue_; }

 private:
  bool read(LibfabricEvent& out);

  Fid<fid_eq> queue_;
  std::deque<LibfabricEvent> kept_;
};

}  // namespace demi::rdma
