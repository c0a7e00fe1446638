#include "frames.hpp"

#include <algorithm>
#include <cstdlib>

namespace demi::dpdk::test {

namespace {

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }
void append(Bytes& to, const Mac& mac) { to.insert(to.end(), mac.begin(), mac.end()); }
void append16(Bytes& to, std::uint32_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}
void append32(Bytes& to, std::uint32_t value) {
  append16(to, value >> 16);
  append16(to, value & 0xffff);
}
void append_ip(Bytes& to, const Address& address) {
  to.insert(to.end(), address.bytes.begin(), address.bytes.begin() + (address.family == 6 ? 16 : 4));
}

std::uint64_t sum(const std::uint8_t* at, std::size_t length) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i + 1 < length; i += 2) total += static_cast<std::uint64_t>(at[i]) << 8 | at[i + 1];
  if (length % 2 != 0) total += static_cast<std::uint64_t>(at[length - 1]) << 8;
  return total;
}
std::uint16_t fold(std::uint64_t total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}

// Over the addresses, the protocol and the upper layer's bytes; 0 when the checksum inside is right.
std::uint16_t checksum(const std::uint8_t* addresses, std::size_t address_bytes, std::uint8_t protocol,
                       const std::uint8_t* at, std::size_t length) {
  return fold(sum(addresses, address_bytes) + protocol + length + sum(at, length));
}

std::size_t checksum_place(std::uint8_t protocol) {
  switch (protocol) {
    case kTcp:
      return 16;
    case kUdp:
      return 6;
    default:
      return 2;  // ICMP, ICMPv6, IGMP
  }
}

Bytes with_checksum(const Host& from, const Host& to, std::uint8_t protocol, Bytes payload) {
  Bytes addresses;
  append_ip(addresses, from.ip);
  append_ip(addresses, to.ip);
  const std::size_t at = checksum_place(protocol);
  put16(payload, at, 0);
  std::uint16_t value = checksum(addresses.data(), addresses.size(), protocol, payload.data(), payload.size());
  if (protocol == kUdp && value == 0) value = 0xffff;
  put16(payload, at, value);
  return payload;
}

Address address_at(const Bytes& frame, std::size_t at, int family) {
  Address out;
  out.family = static_cast<std::uint8_t>(family);
  std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), family == 6 ? 16 : 4, out.bytes.begin());
  return out;
}

}  // namespace

Address ip(const char* text, std::uint16_t port) {
  Address out;
  if (Address::parse(text, port, out) != 0) std::abort();
  return out;
}

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }
std::uint16_t get16(const Bytes& from, std::size_t at) {
  return static_cast<std::uint16_t>(from.at(at) << 8 | from.at(at + 1));
}
std::uint32_t get32(const Bytes& from, std::size_t at) {
  return static_cast<std::uint32_t>(get16(from, at)) << 16 | get16(from, at + 2);
}
void put16(Bytes& to, std::size_t at, std::uint32_t value) {
  to.at(at) = static_cast<std::uint8_t>(value >> 8);
  to.at(at + 1) = static_cast<std::uint8_t>(value);
}
void put32(Bytes& to, std::size_t at, std::uint32_t value) {
  put16(to, at, value >> 16);
  put16(to, at + 2, value & 0xffff);
}

// ---- making ---------------------------------------------------------------------------------------------------------

Bytes ethernet(const Mac& to, const Mac& from, std::uint16_t type, const Bytes& payload) {
  Bytes out;
  append(out, to);
  append(out, from);
  append16(out, type);
  append(out, payload);
  return out;
}

Bytes arp(std::uint16_t operation, const Host& sender, const Host& target) {
  Bytes out{0, 1, 8, 0, 6, 4};
  append16(out, operation);
  append(out, sender.mac);
  append_ip(out, sender.ip);
  append(out, operation == 1 ? Mac{} : target.mac);
  append_ip(out, target.ip);
  return ethernet(operation == 1 ? kBroadcast : target.mac, sender.mac, kTypeArp, out);
}

Bytes packet(const Host& from, const Host& to, std::uint8_t protocol, const Bytes& payload, std::uint16_t fragment,
             std::uint16_t id) {
  Bytes out;
  if (from.ip.family == 6) {
    append32(out, 0x60000000);
    append16(out, static_cast<std::uint32_t>(payload.size()));
    out.push_back(protocol);
    out.push_back(255);
    append_ip(out, from.ip);
    append_ip(out, to.ip);
  } else {
    append16(out, 0x4500);
    append16(out, static_cast<std::uint32_t>(kIpv4Header + payload.size()));
    append16(out, id);
    append16(out, fragment);
    out.push_back(64);
    out.push_back(protocol);
    append16(out, 0);
    append_ip(out, from.ip);
    append_ip(out, to.ip);
    put16(out, 10, fold(sum(out.data(), kIpv4Header)));
  }
  append(out, payload);
  return ethernet(to.mac, from.mac, from.ip.family == 6 ? kTypeIpv6 : kTypeIpv4, out);
}

Bytes fragment6(const Host& from, const Host& to, std::uint8_t protocol, const Bytes& part, std::uint16_t offset,
                bool more, std::uint32_t id) {
  Bytes out{protocol, 0};
  append16(out, static_cast<std::uint32_t>(offset | (more ? 1 : 0)));
  append32(out, id);
  append(out, part);
  return packet(from, to, kFragment6, out);
}

Bytes udp_payload(const Host& from, const Host& to, const Bytes& data) {
  Bytes out;
  append16(out, from.ip.port);
  append16(out, to.ip.port);
  append16(out, static_cast<std::uint32_t>(kUdpHeader + data.size()));
  append16(out, 0);
  append(out, data);
  return with_checksum(from, to, kUdp, out);
}

Bytes udp(const Host& from, const Host& to, std::string_view data) {
  return packet(from, to, kUdp, udp_payload(from, to, bytes(data)));
}

Bytes tcp(const Host& from, const Host& to, const Segment& segment) {
  Bytes options = segment.options;
  while (options.size() % 4 != 0) options.push_back(0);
  Bytes out;
  append16(out, segment.from);
  append16(out, segment.to);
  append32(out, segment.sequence);
  append32(out, segment.acknowledged);
  out.push_back(static_cast<std::uint8_t>((kTcpHeader + options.size()) / 4 << 4));
  out.push_back(segment.flags);
  append16(out, segment.window);
  append32(out, 0);
  append(out, options);
  append(out, segment.data);
  return packet(from, to, kTcp, with_checksum(from, to, kTcp, out));
}

void repair(Bytes& frame, bool lengths) {
  const std::uint16_t type = type_of(frame);
  std::size_t payload = 0;
  std::size_t end = frame.size();
  std::uint8_t protocol = 0;
  std::size_t addresses = 0;
  std::size_t address_bytes = 0;
  if (type == kTypeIpv4 && frame.size() >= kEthernet + kIpv4Header) {
    if (lengths) put16(frame, 16, static_cast<std::uint32_t>(frame.size() - kEthernet));
    const std::size_t header = (frame[14] & 0xfu) * 4;
    if (header < kIpv4Header || frame.size() < kEthernet + header) return;
    put16(frame, 24, 0);
    put16(frame, 24, fold(sum(frame.data() + kEthernet, header)));
    payload = kEthernet + header;
    end = std::min<std::size_t>(end, kEthernet + get16(frame, 16));
    protocol = frame[23];
    addresses = 26;
    address_bytes = 8;
  } else if (type == kTypeIpv6 && frame.size() >= kEthernet + kIpv6Header) {
    if (lengths) put16(frame, 18, static_cast<std::uint32_t>(frame.size() - kEthernet - kIpv6Header));
    payload = kEthernet + kIpv6Header;
    end = std::min<std::size_t>(end, payload + get16(frame, 18));
    protocol = frame[20];
    addresses = 22;
    address_bytes = 32;
  } else {
    return;
  }
  const std::size_t at = payload + checksum_place(protocol);
  if (end < payload || at + 2 > end) return;
  if (lengths && protocol == kUdp) put16(frame, payload + 4, static_cast<std::uint32_t>(end - payload));
  put16(frame, at, 0);
  const bool pseudo = protocol == kTcp || protocol == kUdp || protocol == kIcmp6;
  put16(frame, at,
        pseudo ? checksum(frame.data() + addresses, address_bytes, protocol, frame.data() + payload, end - payload)
               : fold(sum(frame.data() + payload, end - payload)));
}

// ---- reading ----------------------------------------------------------------------------------------------------------

std::uint16_t type_of(const Bytes& frame) { return frame.size() < kEthernet ? 0 : get16(frame, 12); }

std::optional<Packet> read_packet(const Bytes& frame) {
  Packet out;
  std::size_t payload = 0;
  std::size_t length = 0;
  if (type_of(frame) == kTypeIpv4 && frame.size() >= kEthernet + kIpv4Header) {
    const std::size_t header = (frame[14] & 0xfu) * 4;
    if (frame[14] >> 4 != 4 || header < kIpv4Header || frame.size() < kEthernet + header) return std::nullopt;
    if (fold(sum(frame.data() + kEthernet, header)) != 0) return std::nullopt;
    if (get16(frame, 16) < header || kEthernet + get16(frame, 16) > frame.size()) return std::nullopt;
    payload = kEthernet + header;
    length = get16(frame, 16) - header;
    out.protocol = frame[23];
    out.is_fragment = (get16(frame, 20) & 0x3fff) != 0;
    out.from = address_at(frame, 26, 4);
    out.to = address_at(frame, 30, 4);
  } else if (type_of(frame) == kTypeIpv6 && frame.size() >= kEthernet + kIpv6Header) {
    if (kEthernet + kIpv6Header + get16(frame, 18) > frame.size()) return std::nullopt;
    payload = kEthernet + kIpv6Header;
    length = get16(frame, 18);
    out.protocol = frame[20];
    out.is_fragment = out.protocol == kFragment6;
    out.from = address_at(frame, 22, 6);
    out.to = address_at(frame, 38, 6);
  } else {
    return std::nullopt;
  }
  out.payload.assign(frame.begin() + static_cast<std::ptrdiff_t>(payload),
                     frame.begin() + static_cast<std::ptrdiff_t>(payload + length));
  if (out.is_fragment || (out.protocol != kTcp && out.protocol != kUdp)) return out;
  if (length < kUdpHeader) return std::nullopt;
  const bool six = out.from.family == 6;
  if (checksum(frame.data() + (six ? 22 : 26), six ? 32 : 8, out.protocol, out.payload.data(), length) != 0)
    return std::nullopt;
  out.from.port = get16(out.payload, 0);
  out.to.port = get16(out.payload, 2);
  return out;
}

std::optional<Segment> read_tcp(const Packet& packet) {
  if (packet.protocol != kTcp || packet.is_fragment || packet.payload.size() < kTcpHeader) return std::nullopt;
  const Bytes& p = packet.payload;
  const std::size_t header = (p[12] >> 4) * 4u;
  if (header < kTcpHeader || header > p.size()) return std::nullopt;
  const auto at = [&](std::size_t i) { return p.begin() + static_cast<std::ptrdiff_t>(i); };
  return Segment{.from = get16(p, 0),
                 .to = get16(p, 2),
                 .sequence = get32(p, 4),
                 .acknowledged = get32(p, 8),
                 .flags = p[13],
                 .window = get16(p, 14),
                 .options = Bytes(at(kTcpHeader), at(header)),
                 .data = Bytes(at(header), p.end())};
}

}  // namespace demi::dpdk::test
