/** The wire of the tests and the benchmark: a veth in the network namespace that this process is in, dk0 for DPDK and dk1 for the kernel. */
import { writeFileSync } from "node:fs";
import { peer, prefix } from "./addresses.mjs";
import { run } from "./bed.mjs";

export const DPDK_END = "dk0";
const KERNEL_END = "dk1";

export function makeWire() {
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", DPDK_END, "type", "veth", "peer", "name", KERNEL_END);
  // The kernel answers for nothing there.
  writeFileSync(`/proc/sys/net/ipv6/conf/${DPDK_END}/disable_ipv6`, "1");
  for (const end of [DPDK_END, KERNEL_END]) {
    // Between the ends of a veth the kernel leaves checksums to be filled in by a device that does not exist here.
    run("ethtool", "-K", end, "tx", "off", "gro", "off", "gso", "off", "tso", "off");
    run("ip", "link", "set", end, "up");
  }
  run("ip", "address", "add", prefix(peer, 4), "dev", KERNEL_END);
  run("ip", "address", "add", prefix(peer, 6), "dev", KERNEL_END, "nodad");
}
