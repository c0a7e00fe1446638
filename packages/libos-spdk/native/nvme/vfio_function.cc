#include "vfio_function.hpp"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "sysfs.hpp"

namespace demi::spdk::nvme {

std::unique_ptr<PciFunction> VfioFunction::open(const std::string& address, Failure& failure) {
  std::unique_ptr<VfioFunction> function(new VfioFunction(address));
  if (!function->open_group(failure) || !function->read_ranges(failure) || !function->open_device(failure))
    return nullptr;
  function->watch_requests();
  return function;
}

// The kernel ends what is mapped with the container.
void VfioFunction::let_go() {
  if (device_.opened()) set_command(device_.get(), configuration_, 0, kBusMaster);
  unmap_registers();
  device_ = FileDescriptor();
  group_ = FileDescriptor();
}

bool VfioFunction::open_group(Failure& failure) {
  const auto refuse = [&](int error, const std::string& why) {
    failure.refuse(error, address_ + ": " + why);
    return false;
  };
  container_ = FileDescriptor(::open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
  if (!container_.opened()) return refuse(-errno, std::string("/dev/vfio/vfio: ") + std::strerror(errno));
  if (::ioctl(container_.get(), VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
      ::ioctl(container_.get(), VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
    return refuse(-ENOTSUP, "the kernel's VFIO has no type 1 IOMMU");
  const std::string path = "/dev/vfio/" + sysfs::link(address_, "iommu_group");
  group_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!group_.opened()) {
    if (errno == EBUSY) return refuse(-EBUSY, "another libOS or process has it open");
    return refuse(-errno, path + ": " + std::strerror(errno));
  }
  vfio_group_status status{};
  status.argsz = sizeof status;
  if (::ioctl(group_.get(), VFIO_GROUP_GET_STATUS, &status) != 0) return refuse(-errno, "its IOMMU group");
  if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0)
    return refuse(-EBUSY, "the kernel drives another device of its IOMMU group: bind that to vfio-pci too");
  int container = container_.get();
  if (::ioctl(group_.get(), VFIO_GROUP_SET_CONTAINER, &container) != 0)
    return refuse(-errno, std::string("its IOMMU group: ") + std::strerror(errno));
  if (::ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) != 0)
    return refuse(-errno, std::string("its IOMMU: ") + std::strerror(errno));
  return true;
}

// Which bus addresses the IOMMU has: 39 or 48 bits, without those of interrupts.
bool VfioFunction::read_ranges(Failure& failure) {
  std::vector<std::uint64_t> memory(64);
  for (;;) {
    auto* const info = reinterpret_cast<vfio_iommu_type1_info*>(memory.data());
    std::memset(memory.data(), 0, memory.size() * sizeof memory[0]);
    info->argsz = static_cast<std::uint32_t>(memory.size() * sizeof memory[0]);
    if (::ioctl(container_.get(), VFIO_IOMMU_GET_INFO, info) != 0) {
      failure.refuse(-errno, address_ + ": its IOMMU's addresses: " + std::strerror(errno));
      return false;
    }
    if (info->argsz > memory.size() * sizeof memory[0]) {
      memory.resize(info->argsz / sizeof memory[0] + 1);
      continue;
    }
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(memory.data());
    bool any = false;
    for (std::uint32_t at = (info->flags & VFIO_IOMMU_INFO_CAPS) != 0 ? info->cap_offset : 0; at != 0;) {
      const auto* const header = reinterpret_cast<const vfio_info_cap_header*>(bytes + at);
      if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
        const auto* const cap = reinterpret_cast<const vfio_iommu_type1_info_cap_iova_range*>(header);
        for (std::uint32_t i = 0; i < cap->nr_iovas; ++i) iova_.add(cap->iova_ranges[i].start, cap->iova_ranges[i].end);
        any = cap->nr_iovas != 0;
      }
      at = header->next;
    }
    // Linux before 5.4 does not say: what is below the interrupts of x86 has always been there.
    if (!any) iova_.add(0, 0xfedfffff);
    return true;
  }
}

bool VfioFunction::open_device(Failure& failure) {
  const auto refuse = [&](const char* what) {
    failure.refuse(-errno, address_ + ": " + what + ": " + std::strerror(errno));
    return false;
  };
  device_ = FileDescriptor(::ioctl(group_.get(), VFIO_GROUP_GET_DEVICE_FD, address_.c_str()));
  if (!device_.opened()) return refuse("VFIO");
  vfio_region_info registers{};
  registers.argsz = sizeof registers;
  registers.index = VFIO_PCI_BAR0_REGION_INDEX;
  vfio_region_info configuration{};
  configuration.argsz = sizeof configuration;
  configuration.index = VFIO_PCI_CONFIG_REGION_INDEX;
  if (::ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &registers) != 0 ||
      ::ioctl(device_.get(), VFIO_DEVICE_GET_REGION_INFO, &configuration) != 0)
    return refuse("its regions");
  configuration_ = configuration.offset;
  if (!set_command(device_.get(), configuration_, kMemorySpace | kBusMaster, 0)) return refuse("its configuration");
  return map_registers(device_.get(), registers.offset, registers.size, address_, failure);
}

// A kernel that cannot tell leaves us without: the device is then given up when it is gone.
void VfioFunction::watch_requests() {
  requests_ = FileDescriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!requests_.opened()) return;
  alignas(vfio_irq_set) std::uint8_t memory[sizeof(vfio_irq_set) + sizeof(std::int32_t)] = {};
  vfio_irq_set irq{};
  irq.argsz = sizeof memory;
  irq.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
  irq.index = VFIO_PCI_REQ_IRQ_INDEX;
  irq.count = 1;
  const std::int32_t fd = requests_.get();
  std::memcpy(memory, &irq, sizeof irq);
  std::memcpy(memory + sizeof irq, &fd, sizeof fd);
  if (::ioctl(device_.get(), VFIO_DEVICE_SET_IRQS, memory) != 0) requests_ = FileDescriptor();
}

bool VfioFunction::wanted_back() {
  eventfd_t value = 0;
  return requests_.opened() && ::eventfd_read(requests_.get(), &value) == 0;
}

// ---- memory ---------------------------------------------------------------------------------------------------------

std::shared_ptr<Mapping> VfioFunction::memory(std::size_t bytes, Failure& failure) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return failure.refuse(-ENOMEM, address_ + ": no memory for its queues");
  // A child that fork() makes must not have these pages: the parent's next write would get new ones, which the device does not know.
  ::madvise(memory, bytes, MADV_DONTFORK);
  return std::make_shared<Mapping>(memory, bytes, [memory, bytes] { ::munmap(memory, bytes); });
}

bool VfioFunction::map(std::span<std::uint8_t> memory, Failure& failure) {
  const std::uint64_t bus = iova_.take(memory.size());
  if (bus == IovaSpace::kNone) {
    failure.refuse(-ENOMEM, address_ + ": its IOMMU has no addresses left");
    return false;
  }
  vfio_iommu_type1_dma_map request{};
  request.argsz = sizeof request;
  request.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
  request.vaddr = reinterpret_cast<std::uintptr_t>(memory.data());
  request.iova = bus;
  request.size = memory.size();
  if (::ioctl(container_.get(), VFIO_IOMMU_MAP_DMA, &request) != 0) {
    const int error = -errno;
    iova_.give_back(bus);
    std::string why = address_ + ": " + std::to_string(memory.size() >> 10) + " KiB for its transfers: ";
    why += error == -ENOMEM ? "more memory than the process may lock; raise it (ulimit -l), or make the arena smaller"
                            : std::strerror(-error);
    failure.refuse(error, why);
    return false;
  }
  mapped_[memory.data()] = bus;
  dma_.add(memory, bus);
  return true;
}

void VfioFunction::unmap(std::span<std::uint8_t> memory) {
  const auto found = mapped_.find(memory.data());
  if (found == mapped_.end()) return;
  vfio_iommu_type1_dma_unmap request{};
  request.argsz = sizeof request;
  request.iova = found->second;
  request.size = memory.size();
  ::ioctl(container_.get(), VFIO_IOMMU_UNMAP_DMA, &request);
  iova_.give_back(found->second);
  mapped_.erase(found);
  dma_.remove(memory);
}

}  // namespace demi::spdk::nvme
