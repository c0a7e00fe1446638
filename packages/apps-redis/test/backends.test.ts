/**
 * The server, its client and its benchmark where the kernel's sockets are not: on both ends of a virtio ring by DPDK, and over RDMA's messages by
 * two providers that need no device. The code is the same: the folder it runs in decides what it runs on.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const packages = fileURLToPath(new URL("../../", import.meta.url));
/** Milliseconds: DPDK takes seconds to start on a busy machine. */
const PATIENCE = 90_000;

interface Backend {
  libos: string;
  /** Debian's, for the addon to be built. */
  needs: string;
  address: string;
  /** Options of the server, and of its clients, as lines of demi.yaml; `dir` is a folder of the test. */
  options: (dir: string) => [string[], string[]];
}

const rdma = (provider: string): Backend => ({
  libos: "rdma",
  needs: "libfabric-dev",
  address: "127.0.0.1",
  options: () => [[`provider: ${provider}`], [`provider: ${provider}`]],
});

const BACKENDS: Record<string, Backend> = {
  "DPDK on a virtio ring": {
    libos: "dpdk",
    needs: "libdpdk-dev liblwip-dev",
    address: "10.7.0.2",
    options: (dir) => [
      [`device: "net_vhost0,iface=${join(dir, "ring.sock")}"`, "ipv4: 10.7.0.2/24"],
      [
        `device: "net_virtio_user0,path=${join(dir, "ring.sock")},mac=02:00:00:00:00:01,queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0"`,
        "ipv4: 10.7.0.1/24",
      ],
    ],
  },
  "RDMA by tcp": rdma("tcp"),
  "RDMA by shm": rdma("shm"),
};

describe.each(Object.entries(BACKENDS))("%s", (_, { libos, needs, address, options }) => {
  const cwd = join(packages, `libos-${libos}`);
  const built = existsSync(join(cwd, `prebuilds/linux-x64/demi_${libos}.node`));
  const run = built || process.env.CI === "true" ? test : test.skip;
  if (!built) console.warn(`SKIP: the addon of libos-${libos} is not built here: apt install ${needs}`);

  let dir: string;
  let server: ChildProcess | undefined;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "demi-redis-"));
  });
  afterEach(async () => {
    if (server !== undefined && server.exitCode === null && server.signalCode === null) {
      const gone = new Promise((resolve) => server?.once("exit", resolve));
      server.kill();
      await gone;
    }
    rmSync(dir, { recursive: true, force: true });
  });

  /** The configuration file of one side. */
  function config(name: string, lines: string[]): string {
    const file = join(dir, `${name}.yaml`);
    writeFileSync(file, `libos: ${libos}\n${libos}:\n${lines.map((line) => `  ${line}\n`).join("")}`);
    return file;
  }

  run(
    "server, client and benchmark",
    async () => {
      const [ours, theirs] = options(dir);
      const port = 20_000 + Math.floor(Math.random() * 20_000);
      const env = { ...process.env, RUNTIME_DIRECTORY: dir };
      const where = ["-h", address, "-p", String(port), "--config", config("client", theirs)];
      const words = [
        "server",
        "--host",
        address,
        "--port",
        String(port),
        "--save",
        "",
        "--config",
        config("server", ours),
      ];
      server = spawn(process.execPath, [CLI, ...words], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      server.stdout?.on("data", (data) => {
        said += data;
      });
      for (const end = Date.now() + PATIENCE; !said.includes("ready on") && Date.now() < end; ) await pause(50);
      expect(said).toContain(`ready on ${address}:${port}, ${libos}`);
      const client = (name: string, ...rest: string[]) =>
        spawnSync(process.execPath, [CLI, name, ...where, ...rest], { cwd, env, encoding: "utf8", timeout: PATIENCE });
      expect(client("cli", "set", "greeting", "hello")).toMatchObject({ stdout: "OK\n", status: 0 });
      expect(client("cli", "--no-raw", "get", "greeting")).toMatchObject({ stdout: '"hello"\n', status: 0 });
      const { stdout, status } = client(
        "bench",
        "-n",
        "400",
        "-c",
        "4",
        "-P",
        "4",
        "-t",
        "set,get,lrange_100",
        "--csv",
      );
      expect(status).toBe(0);
      expect(stdout.trim().split("\n")).toHaveLength(4);
    },
    4 * PATIENCE,
  );
});
