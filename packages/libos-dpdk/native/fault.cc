#include "fault.hpp"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <utility>

namespace demi::dpdk {

namespace {

bool carries_tcp_data(const rte_mbuf* frame) {
  const std::uint32_t length = frame->data_len;
  std::uint32_t ip = sizeof(rte_ether_hdr);
  if (length < ip) return false;
  const auto* const ethernet = rte_pktmbuf_mtod(frame, const rte_ether_hdr*);
  std::uint32_t payload = 0;
  if (ethernet->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && length >= ip + sizeof(rte_ipv4_hdr)) {
    const auto* const header = rte_pktmbuf_mtod_offset(frame, const rte_ipv4_hdr*, ip);
    if (header->next_proto_id != IPPROTO_TCP) return false;
    payload = ip + rte_be_to_cpu_16(header->total_length);
    ip += rte_ipv4_hdr_len(header);
  } else if (ethernet->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) && length >= ip + sizeof(rte_ipv6_hdr)) {
    const auto* const header = rte_pktmbuf_mtod_offset(frame, const rte_ipv6_hdr*, ip);
    if (header->proto != IPPROTO_TCP) return false;
    ip += sizeof *header;
    payload = ip + rte_be_to_cpu_16(header->payload_len);
  }
  if (payload == 0 || length < ip + sizeof(rte_tcp_hdr)) return false;
  const auto* const tcp = rte_pktmbuf_mtod_offset(frame, const rte_tcp_hdr*, ip);
  return payload > ip + (tcp->data_off >> 4) * 4u;
}

}  // namespace

int parse_faults(const std::string& text, FaultOptions& out) {
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const auto equals = item.find('=');
    if (equals == std::string::npos) return -EINVAL;
    const std::string name = item.substr(0, equals);
    char* end = nullptr;
    const double value = std::strtod(item.c_str() + equals + 1, &end);
    if (*end != '\0' || value < 0) return -EINVAL;
    if (name == "seed") {
      out.seed = static_cast<std::uint64_t>(value);
      continue;
    }
    if (name == "lose-sent" || name == "lose-received") {
      if (value > UINT32_MAX) return -EINVAL;
      (name == "lose-sent" ? out.lose_sent : out.lose_received) = static_cast<std::uint32_t>(value);
      continue;
    }
    if (value > 1) return -EINVAL;
    if (name == "drop") {
      out.drop = value;
    } else if (name == "duplicate") {
      out.duplicate = value;
    } else if (name == "reorder") {
      out.reorder = value;
    } else {
      return -EINVAL;
    }
  }
  return 0;
}

Faults::~Faults() { rte_pktmbuf_free(held_); }

// splitmix64: any seed gives a sequence without a pattern.
bool Faults::happens(double share) {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53 < share;
}

unsigned Faults::pass(rte_mbuf* frame, rte_mempool* copies, rte_mbuf** out) {
  // Always three draws a frame, so that one share does not shift the others' sequence.
  bool drop = happens(options_.drop);
  const bool duplicate = happens(options_.duplicate);
  const bool reorder = happens(options_.reorder);
  if (lose_ != 0 && carries_tcp_data(frame) && ++with_data_ == lose_) {
    with_data_ = 0;
    drop = true;
  }
  unsigned n = 0;
  if (drop) {
    rte_pktmbuf_free(frame);
  } else if (reorder && held_ == nullptr) {
    held_ = frame;
    return 0;
  } else {
    if (duplicate) {
      if (rte_mbuf* copy = rte_pktmbuf_copy(frame, copies, 0, UINT32_MAX); copy != nullptr) out[n++] = copy;
    }
    out[n++] = frame;
  }
  if (held_ != nullptr) out[n++] = std::exchange(held_, nullptr);
  return n;
}

}  // namespace demi::dpdk
