/** Ours at both ends where no kernel is between them: http, ws and ioredis over a virtio ring by DPDK, and over RDMA's messages in shared memory. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endAll, Program, temporaryDirectory } from "../../../apps-echo/test/program.js";
import { unlessLacking } from "../../../apps-redis/test/skipping.js";
import { here, REGISTER } from "../proven.js";
import { expectDone } from "./ended-well.js";

/** Milliseconds: DPDK takes seconds to start on a busy machine. */
const PATIENCE = 60_000;
const REDIS = here("../../apps-redis/dist/cli.js");

const folderOf = (libos: string): string => here(`../../libos-${libos}`);

interface Backend {
  libos: string;
  /** Debian's, for the addon to be built. */
  needs: string;
  host: string;
  /** Register leaves the loopback to the kernel: there the programs use the package by hand. */
  byHand: boolean;
  /** Options of the server and of the client. */
  ends: (ring: string) => [object, object];
}

const BACKENDS: Record<string, Backend> = {
  "DPDK on a virtio ring": {
    libos: "dpdk",
    needs: "libdpdk-dev liblwip-dev",
    host: "10.7.0.2",
    byHand: false,
    ends: (ring) => {
      const client = `net_virtio_user0,path=${ring},mac=02:00:00:00:00:01,queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0`;
      return [
        { device: `net_vhost0,iface=${ring}`, ipv4: "10.7.0.2/24" },
        { device: client, ipv4: "10.7.0.1/24" },
      ];
    },
  },
  "RDMA by shm": {
    libos: "rdma",
    needs: "libfabric-dev",
    host: "127.0.0.1",
    byHand: true,
    ends: () => [{ provider: "shm" }, { provider: "shm" }],
  },
};

for (const [name, backend] of Object.entries(BACKENDS)) {
  const { libos, needs } = backend;
  const isBuilt = existsSync(join(folderOf(libos), `prebuilds/linux-x64/demi_${libos}.node`));
  const lacking = isBuilt ? undefined : `the addon of libos-${libos} is not built here: apt install ${needs}`;
  unlessLacking(lacking, name, () => describe(name, () => bothEndsOn(backend)));
}

function bothEndsOn({ libos, host, byHand, ends }: Backend): void {
  afterEach(endAll);
  const dir = temporaryDirectory();
  const cwd = folderOf(libos);
  const port = String(20_000 + Math.floor(Math.random() * 20_000));

  /** A server that a signal ends leaves its socket behind. */
  let rings = 0;
  beforeEach(() => {
    rings++;
  });

  function started(end: 0 | 1, words: string[]): Program {
    const config = join(dir, `${end}.json`);
    writeFileSync(config, JSON.stringify({ libos, [libos]: ends(join(dir, `ring-${rings}.sock`))[end] }));
    const env = { DEMI_CONFIG: config, RUNTIME_DIRECTORY: dir, ...(byHand ? { BY_HAND: "1" } : {}) };
    return new Program(process.execPath, words, { cwd, env });
  }
  const program = (end: 0 | 1, name: string): Program =>
    started(end, [...(byHand ? [] : ["--import", REGISTER]), here(`devices/${name}`), host, port]);

  test(
    "http and ws",
    async () => {
      const server = program(0, "app.mjs");
      await server.says(new RegExp(`^listening on ${host}`), PATIENCE);
      expectDone(await program(1, "client.mjs").exited, "50 requests, an upload, 20 messages\n");
      await server.end("SIGTERM");
    },
    2 * PATIENCE,
  );

  test(
    "ioredis asks demi-redis",
    async () => {
      const server = started(0, [REDIS, "server", "--host", host, "--port", port, "--save", ""]);
      await server.says(new RegExp(`ready on ${host}:${port}, ${libos}`), PATIENCE);
      expectDone(await program(1, "redis.mjs").exited, "1000 replies\n");
      await server.end("SIGTERM");
    },
    2 * PATIENCE,
  );
}
