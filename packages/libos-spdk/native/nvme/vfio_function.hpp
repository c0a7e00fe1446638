// A function through VFIO: the IOMMU lets the device reach what was mapped, and nothing else. Linux, Documentation/driver-api/vfio.rst.
#pragma once

#include <map>

#include "file_descriptor.hpp"
#include "iova_space.hpp"
#include "pci_function.hpp"

namespace demi::spdk::nvme {

class VfioFunction final : public PciFunction {
 public:
  static std::unique_ptr<PciFunction> open(const std::string& address, Failure& failure);
  ~VfioFunction() override { let_go(); }

  const char* driver() const override { return "vfio-pci"; }
  std::shared_ptr<Mapping> memory(std::size_t bytes, Failure& failure) override;
  bool needs_own_memory() const override { return false; }
  bool map(std::span<std::uint8_t> memory, Failure& failure) override;
  void unmap(std::span<std::uint8_t> memory) override;
  bool wanted_back() override;
  void let_go() override;

 private:
  explicit VfioFunction(const std::string& address) : address_(address) {}
  bool open_group(Failure& failure);
  bool read_ranges(Failure& failure);
  bool open_device(Failure& failure);
  void watch_requests();

  std::string address_;
  FileDescriptor container_;
  FileDescriptor group_;
  FileDescriptor device_;
  std::uint64_t configuration_ = 0;  // offset of the configuration space
  FileDescriptor requests_;          // an eventfd: somebody wants the device
  IovaSpace iova_;
  std::map<std::uint8_t*, std::uint64_t> mapped_;  // to their bus addresses
};

}  // namespace demi::spdk::nvme
