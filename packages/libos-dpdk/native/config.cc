#include "config.hpp"

#include <charconv>
#include <optional>
#include <sstream>

namespace demi::dpdk {

namespace {

bool parse_mac(const std::string& text, MacAddress& out) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* const at = text.data() + 3 * i;
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(at, at + 2, byte, 16);
    if (error != std::errc() || end != at + 2 || (i < 5 && at[2] != ':')) return false;
    out[i] = static_cast<std::uint8_t>(byte);
  }
  return true;
}

// "10.7.0.2/24"
bool parse_network(const std::string& text, int family, Address& address, unsigned& prefix) {
  const auto slash = text.find('/');
  std::uint32_t length = 0;
  if (slash == std::string::npos || Address::parse(text.substr(0, slash), 0, address) != 0) return false;
  if (address.family != family || !ConfigReader::parse_number(text.substr(slash + 1), length) ||
      length > (family == 6 ? 128 : 32))
    return false;
  prefix = length;
  return true;
}

bool is_pci(const std::string& device) {
  return device.size() >= 12 && device[4] == ':' && device[7] == ':' && device[10] == '.';
}

bool parse_neighbours(const std::string& text, std::vector<StackOptions::Neighbour>& out) {
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const auto equals = item.find('=');
    StackOptions::Neighbour neighbour;
    if (equals == std::string::npos || Address::parse(item.substr(0, equals), 0, neighbour.ip) != 0 ||
        neighbour.ip.family != 4 || !parse_mac(item.substr(equals + 1), neighbour.mac))
      return false;
    out.push_back(neighbour);
  }
  return true;
}

}  // namespace

bool read_options(const Config& config, Options& out, Failure& failure) {
  ConfigReader read(config, failure);
  read.require("device");
  read.text("device", out.port.device);
  if (is_pci(out.port.device)) out.eal.pci_device = out.port.device;
  read.parsed("mac", "a MAC address", out.port.mac,
              [](const std::string& text, std::optional<MacAddress>& mac) { return parse_mac(text, mac.emplace()); });
  read.number("mtu", out.port.mtu);
  read.number("mbufs", out.receive_buffers);
  read.text("capture", out.port.capture);
  read.parsed("fault", "a list of faults", out.port.faults,
              [](const std::string& text, FaultOptions& faults) { return parse_faults(text, faults) == 0; });

  const auto network = [&](const char* key, int family, Address& address, unsigned& prefix) {
    read.parsed(key, "an address with its prefix length", address,
                [&](const std::string& text, Address& parsed) { return parse_network(text, family, parsed, prefix); });
  };
  read.require("ipv4");
  network("ipv4", 4, out.stack.ipv4, out.stack.prefix4);
  read.address("gateway", out.stack.gateway, 4);
  network("ipv6", 6, out.stack.ipv6, out.stack.prefix6);
  read.parsed("arp", "a list of IPv4=MAC", out.stack.neighbours, parse_neighbours);

  read.choice<HugePages>("hugepages",
                         {{"auto", HugePages::kAuto}, {"never", HugePages::kNever}, {"required", HugePages::kRequired}},
                         out.eal.huge_pages);
  if (const auto* arguments = read.given("eal"); arguments != nullptr) {
    std::istringstream extra(*arguments);
    for (std::string argument; std::getline(extra, argument);) out.eal.extra.push_back(argument);
  }
  return read.ok();
}

}  // namespace demi::dpdk
