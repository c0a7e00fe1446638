// A DPDK device with one queue each way, from the moment it is looked for until it is gone altogether, so that the next libOS makes it
// anew with its own arguments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "port_options.hpp"

struct rte_mempool;

namespace demi::dpdk {

// "what: the reason" in `message`; the same error as a negative errno.
int device_error(std::string& message, const char* what, int error);

class EthernetDevice {
 public:
  EthernetDevice() = default;
  ~EthernetDevice() { close(); }
  EthernetDevice(const EthernetDevice&) = delete;
  EthernetDevice& operator=(const EthernetDevice&) = delete;

  // Started, with buffers of `receive_pool` for what arrives. 0 or a negative errno and a sentence in `message`; then close() undoes what was
  // done already.
  int open(const PortOptions& options, rte_mempool* receive_pool, std::string& message);
  void close();

  std::uint16_t id() const { return id_; }
  const MacAddress& mac() const { return mac_; }
  bool link_up() const;
  // One of the kernel's interfaces, over AF_XDP.
  bool is_xdp() const { return xdp_; }

 private:
  int find(const std::string& device, std::string& message);
  int configure(const PortOptions& options, rte_mempool* receive_pool, std::string& message);
  int choose_mac(const PortOptions& options, std::string& message);

  std::uint16_t id_ = 0;
  bool probed_ = false;
  bool started_ = false;
  bool xdp_ = false;
  std::vector<int> xdp_before_;
  MacAddress mac_{};
};

}  // namespace demi::dpdk
