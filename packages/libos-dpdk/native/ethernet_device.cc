#include "ethernet_device.hpp"

#include <rte_alarm.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <semaphore>
#include <string_view>
#include <utility>

namespace demi::dpdk {

namespace {

constexpr std::uint16_t kDescriptors = 512;
static_assert(sizeof(MacAddress) == sizeof(rte_ether_addr));

// A port that is stopped and closed on EAL's interrupt thread.
struct Closing {
  std::uint16_t id;
  bool started;
  std::binary_semaphore done{0};
  static void run(void* argument) {
    auto& self = *static_cast<Closing*>(argument);
    if (self.started) rte_eth_dev_stop(self.id);
    rte_eth_dev_close(self.id);
    self.done.release();
  }
};

// What net_af_xdp uses: its socket, and the maps and programs that libxdp loads for it.
std::vector<int> xdp_descriptors() {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    int domain = 0;
    socklen_t length = sizeof domain;
    const bool socket = ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_XDP;
    if (socket || std::filesystem::read_symlink(entry.path(), error).string().starts_with("anon_inode:bpf")) {
      found.push_back(fd);
    }
  }
  return found;
}

// The driver of DPDK 22.11 leaves them open when its port is closed: each libOS would cost descriptors, and the kernel would keep the
// interface's queue reserved.
void close_xdp_leftovers(const std::vector<int>& before) {
  for (const int fd : xdp_descriptors()) {
    if (std::find(before.begin(), before.end(), fd) == before.end()) ::close(fd);
  }
}

}  // namespace

int device_error(std::string& message, const char* what, int error) {
  message = std::string(what) + ": " + std::strerror(error < 0 ? -error : error);
  return error < 0 ? error : -EIO;
}

int EthernetDevice::open(const PortOptions& options, rte_mempool* receive_pool, std::string& message) {
  if (const int error = find(options.device, message); error != 0) return error;
  if (const int error = configure(options, receive_pool, message); error != 0) return error;
  if (const int error = choose_mac(options, message); error != 0) return error;
  if (const int error = rte_eth_dev_start(id_); error != 0) {
    return device_error(
        message, "it does not start; the client of a memif or vhost-user socket needs the other side to be there",
        error == -1 ? -ENOTCONN : error);
  }
  started_ = true;
  // Neighbour discovery comes by multicast.
  if (rte_eth_allmulticast_enable(id_) != 0) rte_eth_promiscuous_enable(id_);
  return 0;
}

int EthernetDevice::find(const std::string& device, std::string& message) {
  const std::string name = device.substr(0, device.find(','));
  xdp_ = name.starts_with("net_af_xdp");
  if (xdp_) xdp_before_ = xdp_descriptors();
  // A PCI device named in the EAL arguments is there already.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &id_) != 0) {
    if (const int error = rte_dev_probe(device.c_str()); error != 0) {
      message = "DPDK finds no driver for it, or the driver refused it (" + std::string(std::strerror(-error)) +
                "); what it said is above";
      return error;
    }
    if (const int error = rte_eth_dev_get_port_by_name(name.c_str(), &id_); error != 0)
      return device_error(message, "it is no Ethernet port", error);
  }
  probed_ = true;
  return 0;
}

int EthernetDevice::configure(const PortOptions& options, rte_mempool* receive_pool, std::string& message) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0)
    return device_error(message, "it does not describe itself", error);
  if (options.mtu > info.max_mtu) {
    message = "mtu is " + std::to_string(options.mtu) + ", the device takes at most " + std::to_string(info.max_mtu);
    return -EINVAL;
  }
  rte_eth_conf conf{};
  conf.rxmode.mtu = options.mtu;
  if (const int error = rte_eth_dev_configure(id_, 1, 1, &conf); error != 0)
    return device_error(message, "configure", error);
  std::uint16_t receive = kDescriptors;
  std::uint16_t send = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &receive, &send);
  if (const int error = rte_eth_rx_queue_setup(id_, 0, receive, SOCKET_ID_ANY, nullptr, receive_pool); error != 0)
    return device_error(message, "receive queue", error);
  if (const int error = rte_eth_tx_queue_setup(id_, 0, send, SOCKET_ID_ANY, nullptr); error != 0)
    return device_error(message, "send queue", error);
  return 0;
}

int EthernetDevice::choose_mac(const PortOptions& options, std::string& message) {
  rte_ether_addr mac;
  if (options.mac) {
    std::memcpy(&mac, options.mac->data(), sizeof mac);
    const int error = rte_eth_dev_default_mac_addr_set(id_, &mac);
    if (error != 0 && error != -ENOTSUP) return device_error(message, "mac", error);
  } else if (const int error = rte_eth_macaddr_get(id_, &mac); error != 0) {
    return device_error(message, "mac", error);
  }
  std::memcpy(mac_.data(), &mac, mac_.size());
  return 0;
}

void EthernetDevice::close() {
  if (!std::exchange(probed_, false)) return;
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(id_, &info);
  Closing closing{id_, started_};
  // The interrupt thread takes what comes over net_memif's control channel, and DPDK 22.11 does not keep closing on another thread from
  // freeing what is handled there. Alarms run on that thread, so there one comes after the other.
  const bool controlled = info.driver_name != nullptr && std::string_view(info.driver_name) == "net_memif";
  if (!controlled || rte_eal_alarm_set(1, &Closing::run, &closing) != 0) Closing::run(&closing);
  closing.done.acquire();
  // Gone altogether, so that the next libOS makes it anew with its own arguments.
  if (info.device != nullptr) rte_dev_remove(info.device);
  if (xdp_) close_xdp_leftovers(xdp_before_);
}

bool EthernetDevice::link_up() const {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace demi::dpdk
