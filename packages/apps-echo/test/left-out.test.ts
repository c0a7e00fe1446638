/**
 * What demi-echo bench cannot reach it leaves out, with the reason. These wait for time limits and measure nothing, so they may run beside
 * others; bench-device and bench-messages are about the figures.
 */
import { join } from "node:path";
import { configFile, type Ended, endAll, Program, packageDir, temporaryDirectory } from "./program.js";
import { rdmaDir, withRdma } from "./rdma.js";
import { LIBOS, onWire } from "./wire.js";

const dir = temporaryDirectory();
const cli = join(packageDir, "dist/cli.js");

afterEach(endAll);

/** The arguments of a run of one round, whose files nobody wants. */
function benchArguments(args: readonly string[]): string[] {
  const short = ["--rounds", "1", "--seconds", "0.1", "--json", join(dir, "out.json"), "--svg", join(dir, "out.svg")];
  return [cli, "bench", ...args, "--connections", "1", "--rows", "C epoll,demi-echo", ...short];
}

/** It ended well, because of --rows there is C epoll, and says twice (for sockets that sleep, and polling) why ours is left out. */
function expectLeftOut({ code, stdout, stderr }: Ended, line: RegExp, said: RegExp): void {
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.match(line) ?? [];
  expect(lines).toHaveLength(2);
  for (const one of lines) expect(one).toMatch(said);
}

onWire("demi-echo bench on DPDK", (wire) => {
  function bench(...args: string[]): Promise<Ended> {
    const [command, inside] = wire().inside(process.execPath, benchArguments(args));
    // A package around the working directory that is a backend counts as installed.
    const cwd = join(packageDir, "../libos-dpdk");
    return new Program(command, inside, { cwd, env: { RUNTIME_DIRECTORY: dir } }).exited;
  }

  test.each([
    ["without a device", [], /dpdk\.device is missing/],
    [
      "on a device that is not there",
      ["--config", dpdk("nowhere", "net_af_packet0,iface=nowhere"), "--host", LIBOS],
      /device "net_af_packet0,iface=nowhere"/,
    ],
    [
      "on a device that leads nowhere",
      ["--config", dpdk("null", "net_null0"), "--host", LIBOS],
      /load generator \(1 connections to demi-echo dpdk( poll)?\)/,
    ],
  ])(
    "%s it is left out, with the reason",
    async (_, options, said) => {
      const ended = await bench("--libos", "dpdk", ...options);
      expectLeftOut(ended, /^LEFT OUT: demi-echo dpdk( poll)?: .*(\n(?!LEFT|wrote).*)*/gm, said);
    },
    120_000,
  );

  test("whose device it is must be said where several backends are installed", async () => {
    const { code, stderr } = await bench("--host", LIBOS);
    expect(code).toBe(1);
    expect(stderr).toMatch(/for one backend: choose it with --libos \(installed: .*dpdk/);
  });
});

withRdma("demi-echo bench on libos-rdma", () => {
  test("without a client that speaks its messages it is left out, with the reason", async () => {
    const config = configFile(dir, "tcp", "rdma", { provider: "tcp" });
    const args = benchArguments(["--libos", "rdma", "--config", config]);
    const ended = await new Program(process.execPath, args, { cwd: rdmaDir }).exited;
    expectLeftOut(
      ended,
      /^LEFT OUT: demi-echo tcp( poll)?: .*/gm,
      /load generator \(1 connections to demi-echo tcp( poll)?\)/,
    );
  }, 180_000);
});

function dpdk(name: string, device: string): string {
  return configFile(dir, name, "dpdk", { device, ipv4: `${LIBOS}/24` });
}
