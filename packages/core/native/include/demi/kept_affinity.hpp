// DPDK's EAL pins the thread that starts it to its lcore, and whatever that thread starts later, Node's own threads included: the affinity is
// put back afterwards.
#pragma once

#include <pthread.h>
#include <sched.h>

namespace demi {

class KeptAffinity {
 public:
  KeptAffinity() { kept_ = pthread_getaffinity_np(pthread_self(), sizeof set_, &set_) == 0; }
  ~KeptAffinity() {
    if (kept_) pthread_setaffinity_np(pthread_self(), sizeof set_, &set_);
  }
  KeptAffinity(const KeptAffinity&) = delete;
  KeptAffinity& operator=(const KeptAffinity&) = delete;
  int first_cpu() const {
    for (int cpu = 0; kept_ && cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set_)) return cpu;
    }
    return 0;
  }

 private:
  cpu_set_t set_{};
  bool kept_ = false;
};

}  // namespace demi
