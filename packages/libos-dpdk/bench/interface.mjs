/** The benchmark's interface to the kernel: a veth in the namespace that this process is in, dk0 for DPDK and dk1 for the kernel. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { peer, prefix } from "../test/bed/addresses.mjs";

export const DPDK_END = "dk0";
const KERNEL_END = "dk1";

export function makeInterface() {
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", DPDK_END, "type", "veth", "peer", "name", KERNEL_END);
  writeFileSync(`/proc/sys/net/ipv6/conf/${DPDK_END}/disable_ipv6`, "1");
  for (const end of [DPDK_END, KERNEL_END]) {
    // Between the ends of a veth the kernel leaves checksums to be filled in by a device that does not exist here.
    run("ethtool", "-K", end, "tx", "off", "gro", "off", "gso", "off", "tso", "off");
    run("ip", "link", "set", end, "up");
  }
  run("ip", "address", "add", prefix(peer, 4), "dev", KERNEL_END);
}

function run(program, ...args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}
