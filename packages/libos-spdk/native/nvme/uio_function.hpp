// A function through uio_pci_generic, where there is no IOMMU: the device is told physical addresses, which only huge pages keep. Nothing
// stops a device that goes astray. Linux, Documentation/driver-api/uio-howto.rst; Documentation/admin-guide/mm/pagemap.rst.
#pragma once

#include "file_descriptor.hpp"
#include "pci_function.hpp"

namespace demi::spdk::nvme {

class UioFunction final : public PciFunction {
 public:
  static std::unique_ptr<PciFunction> open(const std::string& address, Failure& failure);
  ~UioFunction() override { let_go(); }

  const char* driver() const override { return "uio_pci_generic"; }
  std::shared_ptr<Mapping> memory(std::size_t bytes, Failure& failure) override;
  bool needs_own_memory() const override { return true; }
  // EINVAL: memory that is not of huge pages.
  bool map(std::span<std::uint8_t> memory, Failure& failure) override;
  void unmap(std::span<std::uint8_t> memory) override { dma_.remove(memory); }
  void let_go() override;

 private:
  explicit UioFunction(const std::string& address) : address_(address) {}

  std::string address_;
  FileDescriptor configuration_;
  FileDescriptor claim_;  // its /dev/uioN, locked
};

}  // namespace demi::spdk::nvme
