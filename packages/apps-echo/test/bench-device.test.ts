/**
 * demi-echo bench on a backend without kernel sockets: DPDK on a wire to the kernel, and on both ends of a virtio ring. The command lines are
 * those of libos-dpdk's README, which are not run with its other examples: servers that spin need the machine for themselves.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configFile, type Ended, endAll, Program, packageDir, temporaryDirectory } from "./program.js";
import { LIBOS, onWire, wireConfig } from "./wire.js";

const dir = temporaryDirectory();
const cli = join(packageDir, "dist/cli.js");
/** A package around the working directory that is a backend counts as installed. */
const cwd = join(packageDir, "../libos-dpdk");

/** The arguments of the README's command whose arguments match, with these files and addresses for its own. */
function fromReadme(matching: RegExp, own: Record<string, string>): string[] {
  const commands = readFileSync(join(cwd, "README.md"), "utf8").matchAll(/\bdemi-echo bench (--.*)$/gm);
  const found = [...commands].map(([, args]) => args as string).filter((args) => matching.test(args));
  expect(found).toHaveLength(1);
  const words = found[0]?.match(/"[^"]*"|\S+/g) ?? [];
  return words.map((word) => own[word] ?? word.replaceAll('"', ""));
}

afterEach(endAll);

onWire("demi-echo bench on DPDK", (wire) => {
  function bench(...args: string[]): Promise<Ended> {
    const short = ["--rounds", "2", "--seconds", "0.1", "--json", join(dir, "out.json"), "--svg", join(dir, "out.svg")];
    const all = [cli, "bench", ...args, ...short];
    const [command, inside] = wire().inside(process.execPath, all);
    return new Program(command, inside, { cwd, env: { RUNTIME_DIRECTORY: dir } }).exited;
  }

  /** The results, whose rows are all there and have figures. */
  function results(connections: number[]) {
    const { results } = JSON.parse(readFileSync(join(dir, "out.json"), "utf8"));
    expect(results.leftOut).toEqual([]);
    expect(results.comparisons.map((one: { connections: number }) => one.connections)).toEqual(connections);
    for (const { rows } of [...results.comparisons, results.busy]) {
      expect(rows.map((row: { server: string }) => row.server.replace(/ (poll|busy)$/, ""))).toEqual([
        "C epoll",
        "demi-echo dpdk",
      ]);
      for (const { cpuPerRequest, p50, latency } of rows) {
        expect(cpuPerRequest.samples).toHaveLength(2);
        expect(cpuPerRequest.median).toBeGreaterThan(0.05);
        expect(p50.median).toBeGreaterThan(0.5);
        expect(latency.count).toBeGreaterThan(0);
        expect(latency.p50).toBeLessThanOrEqual(latency.p999);
      }
      const [c, ours] = rows;
      for (const round of [0, 1]) {
        const ratio = ours.p50.samples[round] / c.p50.samples[round];
        expect(ours.p50Ratios.toBestC.samples[round]).toBeCloseTo(ratio, 9);
      }
    }
    return results;
  }

  test("the kernel's client over an interface that leads to the device", async () => {
    const line = fromReadme(/--config demi\.yaml/, { "demi.yaml": wireConfig(dir), "10.7.0.2": LIBOS });
    const { code, stdout, stderr } = await bench(...line, "--connections", "1,8");
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^demi-echo dpdk: 10\.7\.0\.2, C client; the others: loopback, C client$/m);
    // One client and one network on both sides: that is what the goals are for.
    expect(results([1, 8]).goals).toEqual([]);
    expect(readFileSync(join(dir, "out.svg"), "utf8")).toContain("demi-echo dpdk: 10.7.0.2, C client");
  }, 180_000);

  test("our own client at the other end of a virtio ring", async () => {
    const socket = join(dir, "v.sock");
    const ring = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";
    const server = configFile(dir, "server", "dpdk", {
      device: `net_vhost0,iface=${socket},queues=1`,
      ipv4: `${LIBOS}/24`,
    });
    const client = configFile(dir, "client", "dpdk", {
      device: `net_virtio_user0,path=${socket},${ring}`,
      ipv4: "10.7.0.1/24",
    });
    const files = { "server.yaml": server, "client.yaml": client, "10.7.0.2": LIBOS };
    const { code, stdout, stderr } = await bench(...fromReadme(/--client-config client\.yaml/, files));
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^demi-echo dpdk: 10\.7\.0\.2, demi-echo client; the others: loopback, C client$/m);
    results([16]);
  }, 240_000);
});
