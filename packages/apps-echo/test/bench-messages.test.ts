/** demi-echo bench on libos-rdma without an RDMA device: over tcp and shm, whose rows, lines and figures do not call it RDMA. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configFile, type Ended, endAll, Program, packageDir, temporaryDirectory } from "./program.js";
import { rdmaDir, withRdma } from "./rdma.js";

const dir = temporaryDirectory();
const cli = join(packageDir, "dist/cli.js");
/** A package around the working directory that is a backend counts as installed. */
const cwd = rdmaDir;

afterEach(endAll);

function bench(...args: string[]): Promise<Ended> {
  const short = ["--rounds", "2", "--seconds", "0.1", "--json", join(dir, "out.json"), "--svg", join(dir, "out.svg")];
  const all = [cli, "bench", "--libos", "rdma", ...args, "--rows", "C epoll,demi-echo", ...short];
  return new Program(process.execPath, all, { cwd }).exited;
}

withRdma("demi-echo bench on libos-rdma", () => {
  test.each([
    ["tcp", [4]],
    ["shm", [4]],
  ])(
    "our client and our server over %s, beside C on the kernel's loopback",
    async (provider, connections) => {
      const file = configFile(dir, provider, "rdma", { provider });
      const device = ["--config", file, "--client-config", file];
      const { code, stdout, stderr } = await bench(...device, "--connections", connections.join(","));
      expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`\ndemi-echo ${provider}: demi-echo client; the others: loopback, C client\n`);
      const { results } = JSON.parse(readFileSync(join(dir, "out.json"), "utf8"));
      expect(results.leftOut).toEqual([]);
      expect(results.goals).toEqual([]);
      expect(results.comparisons.map((one: { connections: number }) => one.connections)).toEqual(connections);
      for (const { rows } of [...results.comparisons, results.busy]) {
        expect(rows.map((row: { server: string }) => row.server.replace(/ (poll|busy)$/, ""))).toEqual([
          "C epoll",
          `demi-echo ${provider}`,
        ]);
        for (const { cpuPerRequest, p50, latency } of rows) {
          expect(cpuPerRequest.samples).toHaveLength(2);
          expect(cpuPerRequest.median).toBeGreaterThan(0.05);
          expect(p50.median).toBeGreaterThan(0.5);
          expect(latency.count).toBeGreaterThan(0);
        }
      }
      const figures = ["out.svg", "out-ratio.svg", "out-busy.svg"].map((name) => readFileSync(join(dir, name), "utf8"));
      expect(figures[0]).toContain(`TCP over loopback; demi-echo ${provider}: demi-echo client`);
      for (const said of [stdout.replaceAll(dir, ""), JSON.stringify(results), ...figures])
        expect(said).not.toMatch(/rdma/i);
    },
    240_000,
  );

  test("the help says what it needs", async () => {
    const { code, stdout } = await bench("--help");
    expect(code).toBe(0);
    expect(stdout).toContain("--libos rdma --config demi.yaml --client-config demi.yaml");
  });
});
