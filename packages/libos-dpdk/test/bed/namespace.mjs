// Runs inside a fresh network namespace: makes the veth, then runs jest.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { peer, prefix } from "./addresses.mjs";
import { jest } from "./jest.mjs";

function run(program, ...args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}

function makeWire() {
  run("ip", "link", "set", "lo", "up");
  run("ip", "link", "add", "dk0", "type", "veth", "peer", "name", "dk1");
  // dk0 is DPDK's: the kernel answers for nothing there.
  writeFileSync("/proc/sys/net/ipv6/conf/dk0/disable_ipv6", "1");
  for (const end of ["dk0", "dk1"]) {
    // Between the ends of a veth the kernel leaves checksums to be filled in by a device that does not exist here.
    run("ethtool", "-K", end, "tx", "off", "gro", "off", "gso", "off", "tso", "off");
    run("ip", "link", "set", end, "up");
  }
  run("ip", "address", "add", prefix(peer, 4), "dev", "dk1");
  run("ip", "address", "add", prefix(peer, 6), "dev", "dk1", "nodad");
}

// Whoever started this is gone: so is the reason for all of this.
process.on("disconnect", () => {
  rmSync(process.env.DEMI_BED_FOLDER, { recursive: true, force: true });
  process.kill(-process.pid, "SIGKILL");
});
makeWire();
const args = process.argv.slice(2);
const keep = args.includes("--keep");
// A signal ends jest, which is in this process's group, too; what comes after it is still done here.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
const code = await jest(
  args.filter((arg) => arg !== "--keep"),
  { DEMI_BED: "1" },
);
if (keep) {
  process.stderr.write(`the bed stays: nsenter --net=/proc/${process.pid}/ns/net; Ctrl-C ends it\n`);
  await new Promise((resolve) => process.once("SIGINT", resolve));
}
process.exit(code);
