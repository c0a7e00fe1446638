#include "lwip_interface.hpp"

#include <cstring>

namespace demi::dpdk {

namespace {

constexpr int kLoopedPackets = 128;  // packets to itself taken in by one poll
// In pbuf::flags, of which lwIP uses the lower six bits.
constexpr std::uint8_t kSentBefore = 0x80;
static_assert((kSentBefore & (PBUF_FLAG_PUSH | PBUF_FLAG_IS_CUSTOM | PBUF_FLAG_MCASTLOOP | PBUF_FLAG_LLBCAST |
                              PBUF_FLAG_LLMCAST | PBUF_FLAG_TCP_FIN)) == 0);

}  // namespace

err_t LwipInterface::start(const StackOptions& options) {
  const ip_addr_t address = to_lwip(options.ipv4);
  const ip_addr_t gateway = to_lwip(options.gateway);
  ip4_addr_t mask{};
  mask.addr = options.prefix4 == 0 ? 0 : htonl(~std::uint32_t{0} << (32 - options.prefix4));
  if (netif_add(&netif_, ip_2_ip4(&address), &mask, ip_2_ip4(&gateway), this, &init, &ethernet_input) == nullptr)
    return ERR_IF;
  added_ = true;
  neighbours_ = std::make_unique<Neighbours>(netif_, options.neighbours);
  netif_set_default(&netif_);
  netif_create_ip6_linklocal_address(&netif_, 1);
  // Given by the user, as the IPv4 address is: no duplicate detection, which would hold every connection back for seconds.
  netif_ip6_addr_set_state(&netif_, 0, IP6_ADDR_PREFERRED);
  if (options.ipv6.family == 6) {
    const ip_addr_t six = to_lwip(options.ipv6);
    netif_ip6_addr_set(&netif_, 1, ip_2_ip6(&six));
    netif_ip6_addr_set_state(&netif_, 1, IP6_ADDR_PREFERRED);
  }
  netif_set_up(&netif_);
  // Never empty, so that lwIP does not ask its own thread, which does not exist, to take packets to ourselves in.
  loop_end_ = pbuf_alloc(PBUF_RAW, 1, PBUF_RAM);
  if (loop_end_ == nullptr) return ERR_MEM;
  netif_.loop_first = netif_.loop_last = loop_end_;
  // Whatever the cable does: connections outlive its being pulled, and the port drops what it cannot send.
  netif_set_link_up(&netif_);
  return ERR_OK;
}

LwipInterface::~LwipInterface() {
  if (added_) {
    netif_.loop_first = netif_.loop_last = nullptr;
    netif_remove(&netif_);
  }
  if (loop_end_ != nullptr) pbuf_free(loop_end_);
}

err_t LwipInterface::init(netif* interface) {
  const auto* self = static_cast<const LwipInterface*>(interface->state);
  interface->name[0] = 'd';
  interface->name[1] = 'k';
  interface->mtu = self->port_.mtu();
  interface->hwaddr_len = ETH_HWADDR_LEN;
  std::memcpy(interface->hwaddr, self->port_.mac().data(), ETH_HWADDR_LEN);
  interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
  interface->output = &output_ipv4;
  interface->output_ip6 = &ethip6_output;
  interface->linkoutput = &output;
  return ERR_OK;
}

// ---- addresses ------------------------------------------------------------------------------------------------------

bool LwipInterface::is_local(const Address& address) const {
  const ip_addr_t wanted = to_lwip(address);
  if (ip_addr_isany(&wanted)) return true;
  if (address.family == 4) return ip4_addr_cmp(ip_2_ip4(&wanted), netif_ip4_addr(&netif_));
  for (const auto& own : ipv6_addresses(netif_)) {
    if (ip6_addr_cmp_zoneless(ip_2_ip6(&wanted), &own.address)) return true;
  }
  return false;
}

std::vector<FrameFilter::Address6> LwipInterface::valid_ipv6() const {
  std::vector<FrameFilter::Address6> valid;
  for (const auto& [own, state] : ipv6_addresses(netif_)) {
    if (ip6_addr_isvalid(state)) std::memcpy(valid.emplace_back().data(), own.addr, sizeof(FrameFilter::Address6));
  }
  return valid;
}

// ---- packets in and out ---------------------------------------------------------------------------------------------

// Packets to our own address hang behind loop_end_.
bool LwipInterface::loop_back() {
  bool any = false;
  for (int n = 0; n < kLoopedPackets && loop_end_ != nullptr && loop_end_->next != nullptr; ++n) {
    any = true;
    pbuf* const packet = loop_end_->next;
    pbuf* last = packet;
    while (last->len != last->tot_len) last = last->next;
    loop_end_->next = last->next;
    if (last->next == nullptr) netif_.loop_last = loop_end_;
    last->next = nullptr;
    if (ip_input(packet, &netif_) != ERR_OK) pbuf_free(packet);
  }
  return any;
}

err_t LwipInterface::output_ipv4(netif* interface, pbuf* packet, const ip4_addr_t* to) {
  return static_cast<LwipInterface*>(interface->state)->neighbours_->send(packet, to);
}

// The one copy on the way out: lwIP keeps its own until it is acknowledged.
err_t LwipInterface::output(netif* interface, pbuf* frame) {
  auto* const self = static_cast<LwipInterface*>(interface->state);
  Port& port = self->port_;
  if (frame->tot_len > port.mtu() + Port::kEthernetHeader) return ERR_VAL;
  std::uint8_t* const to = port.reserve();
  if (to == nullptr) return ERR_BUF;
  // Only TCP's segments are kept and come by again.
  if ((frame->flags & kSentBefore) != 0) [[unlikely]]
    ++self->retransmissions_;
  frame->flags |= kSentBefore;
  pbuf_copy_partial(frame, to, frame->tot_len, 0);
  port.commit(frame->tot_len);
  return ERR_OK;
}

}  // namespace demi::dpdk
