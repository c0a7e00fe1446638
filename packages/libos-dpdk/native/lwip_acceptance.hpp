// Whether a segment can be of the connection that its addresses and ports name: lwIP 2.1 takes the window out of any acknowledgement, and data
// and a FIN with any acknowledgement number, so that one frame of somebody who sees nothing of a connection would stop it for good.
#pragma once

#include "lwip.hpp"
#include "port.hpp"

namespace demi::dpdk {

// RFC 9293, section 3.10.7.4 (the sequence number), and RFC 5961, section 5 (the acknowledgement). `frame` is a segment whole, as
// LwipLookup::find() takes it. SYNs and resets are lwIP's to judge, which keeps to RFC 5961 there, as is a connection not yet established.
bool acceptable(const Frame& frame, const tcp_pcb& pcb);

}  // namespace demi::dpdk
