#include "pci_function.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "sysfs.hpp"
#include "uio_function.hpp"
#include "vfio_function.hpp"

namespace demi::spdk::nvme {

namespace {

constexpr std::uint32_t kNvmeClass = 0x010802;  // NVM Express over PCIe Transport 1.0, section 3.1
constexpr std::uint64_t kCommandRegister = 4;   // PCI Local Bus 3.0, section 6.2.2
constexpr std::size_t kMostRegisters = 8u << 20;

}  // namespace

std::unique_ptr<PciFunction> PciFunction::open(const std::string& address, Failure& failure) {
  if (!sysfs::is_address(address))
    return failure.refuse(-EINVAL, "\"" + address + "\": a PCI address, as 0000:01:00.0, is wanted");
  std::uint32_t kind = 0;
  if (!sysfs::read_number(address, "class", kind)) return failure.refuse(-ENODEV, address + ": no such PCI device");
  if (kind != kNvmeClass) return failure.refuse(-ENODEV, address + ": no NVMe controller");
  const std::string driver = sysfs::driver(address);
  if (driver == "vfio-pci") return VfioFunction::open(address, failure);
  if (driver == "uio_pci_generic") return UioFunction::open(address, failure);
  const std::string holder = driver.empty() ? "no driver has it" : "the driver \"" + driver + "\" has it";
  return failure.refuse(-EBUSY,
                        address + ": " + holder + "; vfio-pci or uio_pci_generic must: demi-log bind " + address);
}

bool PciFunction::set_command(int fd, std::uint64_t offset, std::uint16_t set, std::uint16_t clear) {
  std::uint16_t command = 0;
  const auto place = static_cast<off_t>(offset + kCommandRegister);
  if (::pread(fd, &command, sizeof command, place) != sizeof command) return false;
  command = static_cast<std::uint16_t>((command | set) & ~clear);
  return ::pwrite(fd, &command, sizeof command, place) == sizeof command;
}

bool PciFunction::map_registers(int fd, std::uint64_t offset, std::size_t bytes, const std::string& address,
                                Failure& failure) {
  register_bytes_ = std::min(bytes, kMostRegisters);
  void* const memory =
      ::mmap(nullptr, register_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (memory == MAP_FAILED) {
    failure.refuse(-errno, address + ": its registers: " + std::strerror(errno));
    return false;
  }
  registers_ = static_cast<std::uint8_t*>(memory);
  return true;
}

void PciFunction::unmap_registers() {
  if (registers_ != nullptr) ::munmap(registers_, register_bytes_);
  registers_ = nullptr;
}

}  // namespace demi::spdk::nvme
