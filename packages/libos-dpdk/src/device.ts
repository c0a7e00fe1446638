/** What `device` may name: a PCI device by its address, or a virtual device by its DPDK devargs. */

export type Device = { kind: "pci" | "virtual" /** As EAL takes it. */; devargs: string } | { problem: string };

/** Virtual devices that need no privilege of a NIC's kind, and what their devargs must name. */
const mustName: Readonly<Record<string, { key: string; meaning: string }>> = {
  net_af_packet: { key: "iface", meaning: "the network interface" },
  net_af_xdp: { key: "iface", meaning: "the network interface" },
  net_vhost: { key: "iface", meaning: "the path of the socket" },
  net_virtio_user: { key: "path", meaning: "the path of the socket" },
};

export function parseDevice(text: string): Device {
  // Arguments may follow in either form.
  const comma = text.indexOf(",");
  const name = comma < 0 ? text : text.slice(0, comma);
  const args = comma < 0 ? "" : text.slice(comma);
  const pci = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])$/i.exec(name);
  if (pci) return { kind: "pci", devargs: `${pci[1] ?? "0000"}:${pci[2]}`.toLowerCase() + args };

  const driver = /^((?:net|eth)_[a-z][a-z0-9_]*?)_?\d*$/.exec(name)?.[1];
  if (driver === undefined) {
    return { problem: 'must be devargs such as "net_af_packet0,iface=eth1", or a PCI address such as "0000:00:05.0"' };
  }
  const named = new Map<string, string>();
  for (const part of args.split(",").slice(1)) {
    const [, key = "", value = ""] = /^([a-z][a-z0-9_-]*)=(.+)$/is.exec(part) ?? [];
    // Devargs know lists in brackets, whose commas are not separators: those are left for DPDK to judge.
    if (key === "" && !args.includes("[")) return { problem: `must have key=value after each comma; "${part}" is not` };
    named.set(key, value);
  }
  const needed = mustName[driver];
  if (needed && !named.has(needed.key)) {
    return { problem: `must name ${needed.meaning}: "${name},${needed.key}=..."` };
  }
  return { kind: "virtual", devargs: text };
}
