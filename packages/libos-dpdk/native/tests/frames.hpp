// Ethernet frames as a peer on the wire makes and reads them: independent of lwIP, so that a mistake there is not made here as well.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "demi/address.hpp"

namespace demi::dpdk::test {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeArp = 0x0806;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::uint8_t kIcmp = 1, kIgmp = 2, kTcp = 6, kUdp = 17, kFragment6 = 44, kIcmp6 = 58;
constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPush = 8, kAck = 16, kUrgent = 32;
constexpr std::size_t kEthernet = 14, kIpv4Header = 20, kIpv6Header = 40, kTcpHeader = 20, kUdpHeader = 8;
constexpr Mac kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

Address ip(const char* text, std::uint16_t port = 0);
Bytes bytes(std::string_view text);
std::string text(const Bytes& bytes);
std::uint16_t get16(const Bytes& from, std::size_t at);
std::uint32_t get32(const Bytes& from, std::size_t at);
void put16(Bytes& to, std::size_t at, std::uint32_t value);
void put32(Bytes& to, std::size_t at, std::uint32_t value);

// One end of the wire.
struct Host {
  Mac mac{};
  Address ip;
};

// ---- making ---------------------------------------------------------------------------------------------------------

Bytes ethernet(const Mac& to, const Mac& from, std::uint16_t type, const Bytes& payload);
Bytes arp(std::uint16_t operation, const Host& sender, const Host& target);

// An IP packet of either family in its frame; `fragment` is the 16 bits of IPv4's flags and offset.
Bytes packet(const Host& from, const Host& to, std::uint8_t protocol, const Bytes& payload, std::uint16_t fragment = 0,
             std::uint16_t id = 0);
// An IPv6 fragment: `offset` in bytes.
Bytes fragment6(const Host& from, const Host& to, std::uint8_t protocol, const Bytes& part, std::uint16_t offset,
                bool more, std::uint32_t id);

Bytes udp_payload(const Host& from, const Host& to, const Bytes& data);
Bytes udp(const Host& from, const Host& to, std::string_view data);

struct Segment {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledged = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 65535;
  Bytes options;
  Bytes data;
};
// Ports are the segment's, not the hosts'.
Bytes tcp(const Host& from, const Host& to, const Segment& segment);

// Sets every length field and checksum that a receiver would check to what fits the frame's bytes, as far as there are such fields.
void repair(Bytes& frame, bool lengths);

// ---- reading ----------------------------------------------------------------------------------------------------------

// An IP packet with a header of the usual form, whose checksums are right; for UDP and TCP that of the payload as well.
struct Packet {
  Address from;  // with the port, for UDP and TCP
  Address to;
  std::uint8_t protocol = 0;
  bool is_fragment = false;
  Bytes payload;  // behind the IP header
};
std::optional<Packet> read_packet(const Bytes& frame);
// The segment in a packet of read_packet().
std::optional<Segment> read_tcp(const Packet& packet);
std::uint16_t type_of(const Bytes& frame);

}  // namespace demi::dpdk::test
