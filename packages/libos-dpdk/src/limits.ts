import { optionLimit } from "@demikernel/core/backend";
import { optionSchemas } from "./options.js";

/** What a user of this backend may run into, by name. Those of core (arena, tokens, queues) come from core's options. */
export function limits(): Record<string, string | number> {
  return {
    "libOSes of this backend open at once in a process": 1,
    "starts of DPDK in a process": "1, with one set of PCI device and EAL arguments",
    "buffers that frames are received into": optionLimit(optionSchemas, "mbufs"),
    "bytes of an IP packet": optionLimit(optionSchemas, "mtu"),
    "bytes of TCP data in a packet": 1460,
    "bytes of a TCP connection's receive window": 65535,
    // LwipTimers::kTickMs; LIMITS.md says what follows from it.
    "milliseconds between ticks of the TCP timers": 50,
    "entries in the ARP table": 10,
    "bytes of a frame kept in the capture file": 65535,
  };
}
