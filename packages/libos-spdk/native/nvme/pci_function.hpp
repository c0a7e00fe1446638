// A controller as a PCI function that this process alone drives: its registers, and memory that it reaches.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "demi/failure.hpp"
#include "demi/mapping.hpp"
#include "dma_map.hpp"

namespace demi::spdk::nvme {

class PciFunction {
 public:
  // By its address, as "0000:01:00.0", with whatever lets a process have it: vfio-pci, or uio_pci_generic where there is no IOMMU. ENODEV:
  // there is none, or it is no NVMe controller; EBUSY: another driver or libOS has it; EACCES, EPERM, ENOMEM. nullptr and why on failure.
  static std::unique_ptr<PciFunction> open(const std::string& address, Failure& failure);

  virtual ~PciFunction() = default;
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  virtual const char* driver() const = 0;  // "vfio-pci"
  // New memory that can be mapped, `bytes` at least, zeroed, on page boundaries; it may outlive this. nullptr and why.
  virtual std::shared_ptr<Mapping> memory(std::size_t bytes, Failure& failure) = 0;
  // True: the arena must be of memory().
  virtual bool needs_own_memory() const = 0;
  // Makes memory reachable, until unmap().
  virtual bool map(std::span<std::uint8_t> memory, Failure& failure) = 0;
  virtual void unmap(std::span<std::uint8_t> memory) = 0;
  // Somebody asks for the device: it is about to be unplugged, or bound to another driver.
  virtual bool wanted_back() { return false; }

  // Gives the device up before this is destroyed: it cannot write to memory from now on. There are no registers any more.
  virtual void let_go() = 0;

  const DmaMap& dma() const { return dma_; }

  std::uint32_t read32(std::size_t offset) const { return *at(offset); }
  // By halves, which every controller has to accept (Base 3.1.2).
  std::uint64_t read64(std::size_t offset) const { return *at(offset) | std::uint64_t{*at(offset + 4)} << 32; }
  void write32(std::size_t offset, std::uint32_t value) { *at(offset) = value; }
  void write64(std::size_t offset, std::uint64_t value) {
    *at(offset) = static_cast<std::uint32_t>(value);
    *at(offset + 4) = static_cast<std::uint32_t>(value >> 32);
  }
  volatile std::uint32_t* at(std::size_t offset) const {
    return reinterpret_cast<volatile std::uint32_t*>(registers_ + offset);
  }
  std::size_t register_bytes() const { return register_bytes_; }

 protected:
  // Bits of the command register. PCI Local Bus 3.0, section 6.2.2.
  static constexpr std::uint16_t kMemorySpace = 0x0002;
  static constexpr std::uint16_t kBusMaster = 0x0004;
  static constexpr std::uint16_t kNoInterruptLine = 0x0400;

  PciFunction() = default;
  // In the configuration space, which begins at `offset` of the file. False, with errno, if it cannot be.
  static bool set_command(int fd, std::uint64_t offset, std::uint16_t set, std::uint16_t clear);
  bool map_registers(int fd, std::uint64_t offset, std::size_t bytes, const std::string& address, Failure& failure);
  void unmap_registers();

  DmaMap dma_;

 private:
  std::uint8_t* registers_ = nullptr;
  std::size_t register_bytes_ = 0;
};

}  // namespace demi::spdk::nvme
