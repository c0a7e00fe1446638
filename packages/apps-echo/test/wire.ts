/**
 * A network namespace for the test with a veth in it, dk0 for a backend that has a TCP/IP stack and dk1 for the
 * kernel. It is gone with the last process in it, however the test ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageDir, pause } from "./program.js";

/** The libOS on dk0, and the kernel on dk1. */
export const LIBOS = "10.7.0.2";
const KERNEL = "10.7.0.1";

/** Programs the wire is made with, and the Debian packages that bring them. */
const PROGRAMS = { unshare: "util-linux", nsenter: "util-linux", ip: "iproute2", ethtool: "ethtool" };

export class Wire {
  private constructor(private readonly holder: ChildProcess) {}

  static async make(): Promise<Wire> {
    // It ends when nobody holds the other end of its stdin any more.
    const holder = spawn("unshare", ["--net", "sh", "-c", "echo there; exec cat"], { stdio: ["pipe", "pipe", "pipe"] });
    holder.stdin.on("error", () => {});
    await new Promise((resolve, reject) => {
      holder.once("error", reject);
      holder.once("exit", () => reject(new Error(`no network namespace: ${holder.stderr.read()}`)));
      holder.stdout.once("data", resolve);
    });
    const wire = new Wire(holder);
    wire.run("ip", "link", "set", "lo", "up");
    wire.run("ip", "link", "add", "dk0", "type", "veth", "peer", "name", "dk1");
    wire.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/dk0/disable_ipv6");
    for (const end of ["dk0", "dk1"]) {
      // Between the ends of a veth the kernel leaves checksums to be filled in by a device that does not exist here.
      wire.run("ethtool", "-K", end, "tx", "off", "gro", "off", "gso", "off", "tso", "off");
      wire.run("ip", "link", "set", end, "up");
    }
    wire.run("ip", "address", "add", `${KERNEL}/24`, "dev", "dk1");
    return wire;
  }

  /** The command line that starts a program inside. */
  inside(command: string, args: readonly string[]): [string, string[]] {
    return ["nsenter", [`--net=/proc/${this.holder.pid}/ns/net`, command, ...args]];
  }

  /** Runs a program inside to its end; throws when it fails. */
  run(command: string, ...args: string[]): string {
    const [outer, all] = this.inside(command, args);
    const { status, error, stdout, stderr } = spawnSync(outer, all, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
    return stdout;
  }

  async end(): Promise<void> {
    this.holder.stdin?.end();
    while (this.holder.exitCode === null && this.holder.signalCode === null) await pause(10);
  }
}

/** A configuration file of libos-dpdk's for its end of the wire. `libos: dpdk` is not in it: who installs another backend keeps it. */
export function wireConfig(dir: string): string {
  const path = join(dir, "demi.yaml");
  writeFileSync(path, `dpdk:\n  device: "net_af_packet0,iface=dk0"\n  ipv4: ${LIBOS}/24\n`);
  return path;
}

/** Why DPDK on such a wire cannot be tested here; undefined when it can. */
function lacking(): string | undefined {
  if (process.getuid?.() !== 0) return "a network namespace needs root";
  for (const [program, name] of Object.entries(PROGRAMS)) {
    if (spawnSync(program, ["--version"], { stdio: "ignore" }).error) return `no ${program} here: apt install ${name}`;
  }
  const trial = spawnSync("unshare", ["--net", "ip", "link", "add", "dk0", "type", "veth", "peer", "name", "dk1"]);
  if (trial.status !== 0) return `no network namespace with a veth can be made here: ${trial.stderr}`.trim();
  const dpdk = join(packageDir, "../libos-dpdk");
  const loads = "const { default: dpdk } = await import('./dist/index.js'); dpdk.load()";
  const loaded = spawnSync(process.execPath, ["--input-type=module", "-e", loads], { cwd: dpdk, encoding: "utf8" });
  if (loaded.status !== 0) return /^Error: (.*)/m.exec(loaded.stderr)?.[1] ?? loaded.stderr;
  return undefined;
}

/** Declares tests of DPDK on a wire, which is there while they run. Where there can be none they are skipped, and with CI=true they fail. */
export function onWire(name: string, body: (wire: () => Wire) => void): void {
  const reason = lacking();
  if (reason === undefined) {
    describe(name, () => {
      let wire: Wire;
      beforeAll(async () => {
        wire = await Wire.make();
      });
      afterAll(() => wire.end());
      body(() => wire);
    });
  } else if (process.env.CI === "true") {
    test(name, () => {
      throw new Error(reason);
    });
  } else {
    console.warn(`SKIP: ${name}: ${reason}`);
    test.skip(`${name} (${reason})`, () => {});
  }
}
