// libfabric's completions: the queues they come through, and who is told of each.
#pragma once

#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_eq.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "fabric.hpp"
#include "fid.hpp"

namespace demi::rdma {

class LibfabricCompletions {
 public:
  // rxe and others have 32767 entries at most.
  static constexpr std::size_t kMostEntries = 32767;

  // `tcp`: with a queue for those of sends. 0, or a negative errno that `message` explains.
  int open(fid_domain& domain, bool tcp, std::size_t entries, std::string& message);
  void close();
  // The endpoint's completions come here. 0 or a negative errno.
  int bind(fid_ep& endpoint);

  // Takes in some. `thorough`: looks also where nothing is known to come. `objects`: how many sockets there are. False: there are no more
  // now.
  bool read(bool thorough, std::size_t objects);
  // A message was received since begin_poll().
  bool arrived() const { return arrived_; }
  void begin_poll() { arrived_ = false; }
  // The last read found all there was.
  bool emptied() const { return emptied_; }

  // A send was posted whose completion is to come; it will not: its endpoint has closed.
  void on_posted() { ++sending_; }
  void retire(Work& work) {
    if (std::exchange(work.sends, nullptr) != nullptr) --sending_;
  }

  // The queue that is waited on, and its descriptor, for which the fabric asks it once.
  fid& waited() const { return sends_ ? sends_->fid : completions_->fid; }
  void set_wait_fd(int fd) { wait_fd_ = fd; }

 private:
  bool read(fid_cq& queue);
  bool quiet() const;
  void on_error(fid_cq& queue);

  Fid<fid_cq> completions_;
  // tcp only: sends complete on a separate queue that can be waited on. Its descriptor reports the sockets of all that is bound to it,
  // and so also what arrives for the other queue. The other queue cannot be waited on, because libfabric then asks its sockets by
  // poll(2), and not by epoll, which takes longer while they are few.
  Fid<fid_cq> sends_;
  int wait_fd_ = -1;
  bool emptied_ = false;  // by the last read
  bool arrived_ = false;
  std::uint32_t sending_ = 0;  // whose completions have not come
};

}  // namespace demi::rdma
