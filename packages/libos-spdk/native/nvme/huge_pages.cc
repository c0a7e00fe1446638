#include "huge_pages.hpp"

#include <sys/mman.h>

#include <cerrno>

namespace demi::spdk::nvme {

std::shared_ptr<Mapping> huge_pages(std::size_t bytes, const std::string& address, Failure& failure) {
  const std::size_t whole = (bytes + kHugePage - 1) & ~(kHugePage - 1);
  // Shared: a child that fork() makes must not turn the next write into a copy elsewhere.
  void* const memory =
      ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    const std::string pages = std::to_string(whole / kHugePage);
    return failure.refuse(-ENOMEM, address + ": " + pages +
                                       " huge pages of 2 MiB are not free: sysctl -w vm.nr_hugepages=" + pages +
                                       " or more, or a smaller arena");
  }
  return std::make_shared<Mapping>(memory, whole, [memory, whole] { ::munmap(memory, whole); });
}

}  // namespace demi::spdk::nvme
