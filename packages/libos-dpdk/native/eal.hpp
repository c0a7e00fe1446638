// DPDK's environment abstraction layer (EAL), which exists once in a process and for as long as it lives: rte_eal_init() cannot be
// repeated, not even after rte_eal_cleanup(). The first libOS of a process starts it; later ones use it as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace demi::dpdk {

enum class HugePages { kAuto, kNever, kRequired };

struct EalOptions {
  HugePages huge_pages = HugePages::kAuto;
  std::string pci_device;          // address of the PCI device to use; empty: the PCI bus is left alone
  std::vector<std::string> extra;  // further arguments, as for any DPDK program
  std::size_t megabytes = 0;       // memory needed, for when there are no huge pages and it must be fixed at the start
};

// 0, or a negative errno with a sentence in `message`: -EBUSY when EAL runs already with other arguments. EAL that did not start
// cannot be started again in this process: the reason is then the first one.
int start_eal(const EalOptions& options, std::string& message);

// True when EAL found huge pages to use.
bool eal_has_huge_pages();

// While a libOS of this thread is open, the thread has an lcore number: memory pools then keep a cache for it.
class LcoreOfThread {
 public:
  LcoreOfThread();
  ~LcoreOfThread();
  LcoreOfThread(const LcoreOfThread&) = delete;
  LcoreOfThread& operator=(const LcoreOfThread&) = delete;

 private:
  bool registered_ = false;
};

}  // namespace demi::dpdk
