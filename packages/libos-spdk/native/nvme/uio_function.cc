#include "uio_function.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "huge_pages.hpp"
#include "sysfs.hpp"

namespace demi::spdk::nvme {

namespace {

constexpr std::uint64_t kFrameMask = (1ull << 55) - 1;

// "uio0", of the folder that the kernel has for the device.
std::string uio_name(const std::string& address) {
  std::string name;
  if (DIR* const folder = ::opendir(sysfs::path(address, "uio").c_str())) {
    while (const dirent* const entry = ::readdir(folder)) {
      if (std::strncmp(entry->d_name, "uio", 3) == 0) name = entry->d_name;
    }
    ::closedir(folder);
  }
  return name;
}

// In KiB, the pages of the mapping that begins at or before `at` and ends behind it. 0: there is none.
std::size_t page_kib(const void* at) {
  std::ifstream maps("/proc/self/smaps");
  bool within = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long begin = 0;
    unsigned long long end = 0;
    std::size_t kib = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &begin, &end) == 2) {
      const auto address = reinterpret_cast<std::uintptr_t>(at);
      within = address >= begin && address < end;
    } else if (within && std::sscanf(line.c_str(), "KernelPageSize: %zu kB", &kib) == 1) {
      return kib;
    }
  }
  return 0;
}

}  // namespace

std::unique_ptr<PciFunction> UioFunction::open(const std::string& address, Failure& failure) {
  const auto refuse = [&](const std::string& what) {
    return failure.refuse(-errno, address + ": " + what + ": " + std::strerror(errno));
  };
  std::unique_ptr<UioFunction> function(new UioFunction(address));
  const std::string claim = "/dev/" + uio_name(address);
  function->claim_ = FileDescriptor(::open(claim.c_str(), O_RDWR | O_CLOEXEC));
  if (!function->claim_.opened()) return refuse(claim);
  if (::flock(function->claim_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return failure.refuse(-EBUSY, address + ": another libOS or process has it open");
    return refuse(claim);
  }
  function->configuration_ = FileDescriptor(::open(sysfs::path(address, "config").c_str(), O_RDWR | O_CLOEXEC));
  if (!set_command(function->configuration_.get(), 0, kMemorySpace | kBusMaster | kNoInterruptLine, 0))
    return refuse("its configuration");
  const FileDescriptor registers(::open(sysfs::path(address, "resource0").c_str(), O_RDWR | O_SYNC | O_CLOEXEC));
  struct stat status {};
  if (!registers.opened() || ::fstat(registers.get(), &status) != 0) return refuse("its registers");
  if (!function->map_registers(registers.get(), 0, static_cast<std::size_t>(status.st_size), address, failure))
    return nullptr;
  return function;
}

void UioFunction::let_go() {
  // Whoever got the device from us may use it by now.
  if (!claim_.opened()) return;
  set_command(configuration_.get(), 0, 0, kBusMaster);
  unmap_registers();
  claim_ = FileDescriptor();
}

std::shared_ptr<Mapping> UioFunction::memory(std::size_t bytes, Failure& failure) {
  return huge_pages(bytes, address_, failure);
}

bool UioFunction::map(std::span<std::uint8_t> memory, Failure& failure) {
  const auto refuse = [&](int error, const std::string& why) {
    failure.refuse(error, address_ + ": " + why);
    return false;
  };
  if (page_kib(memory.data()) < kHugePage >> 10)
    return refuse(-EINVAL,
                  "without an IOMMU it reaches memory of huge pages only, and the arena's is not; use vfio-pci");
  const FileDescriptor pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap.opened()) return refuse(-errno, std::string("/proc/self/pagemap: ") + std::strerror(errno));
  std::vector<std::uint64_t> pages;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  for (std::uintptr_t at = begin & ~(kHugePage - 1); at < begin + memory.size(); at += kHugePage) {
    std::uint64_t entry = 0;
    const std::uintptr_t page = at / 4096;
    if (::pread(pagemap.get(), &entry, sizeof entry, static_cast<off_t>(page * sizeof entry)) != sizeof entry)
      return refuse(-errno, "where its memory lies");
    if ((entry & kFrameMask) == 0)
      return refuse(-EPERM, "the kernel does not say where memory lies: that needs CAP_SYS_ADMIN; or use vfio-pci");
    pages.push_back((entry & kFrameMask) * 4096);
  }
  dma_.add(memory, std::move(pages));
  return true;
}

}  // namespace demi::spdk::nvme
