#include "config.hpp"

#include <charconv>
#include <sstream>

namespace demi::dpdk {

namespace {

const std::string& text(const Config& config, const char* name) {
  static const std::string none;
  const auto found = config.find(name);
  return found == config.end() ? none : found->second;
}

bool parse_number(const std::string& text, std::uint32_t low, std::uint32_t high, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= low && out <= high;
}

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
  if (address.family != family || !parse_number(text.substr(slash + 1), 0, family == 6 ? 128 : 32, length))
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

int read_options(const Config& config, Options& out, std::string& message) {
  const auto wrong = [&](const char* key) {
    message = std::string(key) + ": \"" + text(config, key) + "\" cannot be used";
    return -EINVAL;
  };
  out.port.device = text(config, "device");
  if (out.port.device.empty()) return wrong("device");
  if (is_pci(out.port.device)) out.eal.pci_device = out.port.device;
  if (const std::string& mac = text(config, "mac"); !mac.empty()) {
    MacAddress parsed;
    if (!parse_mac(mac, parsed)) return wrong("mac");
    out.port.mac = parsed;
  }
  std::uint32_t mtu = 1500;
  if (const std::string& given = text(config, "mtu"); !given.empty() && !parse_number(given, 576, 9000, mtu))
    return wrong("mtu");
  out.port.mtu = static_cast<std::uint16_t>(mtu);
  if (const std::string& given = text(config, "mbufs");
      !given.empty() && !parse_number(given, 1024, 131072, out.receive_buffers))
    return wrong("mbufs");
  out.port.capture = text(config, "capture");
  if (parse_faults(text(config, "fault"), out.port.faults) != 0) return wrong("fault");

  if (!parse_network(text(config, "ipv4"), 4, out.stack.ipv4, out.stack.prefix4)) return wrong("ipv4");
  if (const std::string& gateway = text(config, "gateway"); !gateway.empty()) {
    if (Address::parse(gateway, 0, out.stack.gateway) != 0 || out.stack.gateway.family != 4) return wrong("gateway");
  }
  if (const std::string& ipv6 = text(config, "ipv6"); !ipv6.empty()) {
    if (!parse_network(ipv6, 6, out.stack.ipv6, out.stack.prefix6)) return wrong("ipv6");
  }
  if (!parse_neighbours(text(config, "arp"), out.stack.neighbours)) return wrong("arp");

  const std::string& huge = text(config, "hugepages");
  if (huge == "never") {
    out.eal.huge_pages = HugePages::kNever;
  } else if (huge == "required") {
    out.eal.huge_pages = HugePages::kRequired;
  } else if (!huge.empty() && huge != "auto") {
    return wrong("hugepages");
  }
  std::istringstream extra(text(config, "eal"));
  for (std::string argument; std::getline(extra, argument);) out.eal.extra.push_back(argument);
  return 0;
}

}  // namespace demi::dpdk
