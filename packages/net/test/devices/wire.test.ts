/**
 * The README's second command line: an application that nobody changed, on DPDK, and the kernel's sockets at the other end of the wire; then the
 * application is a client, and redis-server is the kernel's.
 */
import { spawnSync } from "node:child_process";
import { endAll, Program, temporaryDirectory } from "../../../apps-echo/test/program.js";
import { LIBOS, onWire, type Wire, wireConfig } from "../../../apps-echo/test/wire.js";
import { unlessLacking } from "../../../apps-redis/test/skipping.js";
import { here, REGISTER } from "../proven.js";
import { expectDone } from "./ended-well.js";

/** Nobody else is in the namespace. */
const PORT = "3000";
const KERNEL = "10.7.0.1";
/** Milliseconds: DPDK takes seconds to start on a busy machine. */
const PATIENCE = 60_000;
/** As working directory: a package around it that is a backend counts as installed. */
const BACKEND = here("../../libos-dpdk");

onWire("on DPDK, the kernel as the peer", applicationsOn);

function applicationsOn(wire: () => Wire): void {
  afterAll(endAll);
  const dir = temporaryDirectory();

  function program(name: string, words: string[], onDpdk: boolean): Program {
    const loaded = onDpdk ? ["--import", REGISTER] : [];
    const [command, args] = wire().inside(process.execPath, [...loaded, here(`devices/${name}`), ...words]);
    const env = onDpdk ? { LIBOS: "dpdk", DEMI_CONFIG: wireConfig(dir), RUNTIME_DIRECTORY: dir } : {};
    return new Program(command, args, { cwd: BACKEND, env });
  }

  test(
    "Express and ws serve the kernel's clients",
    async () => {
      const server = program("app.mjs", [LIBOS, PORT], true);
      await server.says(new RegExp(`^listening on ${LIBOS}`), PATIENCE);
      expectDone(await program("client.mjs", [LIBOS, PORT], false).exited, "50 requests, an upload, 20 messages\n");
      await server.end("SIGTERM");
    },
    2 * PATIENCE,
  );

  const { error: noRedis } = spawnSync("redis-check-rdb", ["--version"], { argv0: "redis-server" });
  const lacking = noRedis && "no redis-server here: apt install redis-tools";
  const ASKS = "ioredis asks the kernel's redis-server";
  unlessLacking(lacking, ASKS, () =>
    test(
      ASKS,
      async () => {
        const own = ["--port", "6379", "--bind", KERNEL, "--protected-mode", "no", "--save", "", "--appendonly", "no"];
        const shell = ["-c", 'exec -a redis-server redis-check-rdb "$@"', "redis-server", ...own];
        const [command, args] = wire().inside("bash", shell);
        const server = new Program(command, args, { cwd: dir });
        await server.says(/Ready to accept connections/, PATIENCE);
        expectDone(await program("redis.mjs", [KERNEL, "6379"], true).exited, "1000 replies\n");
        await server.end("SIGTERM");
      },
      2 * PATIENCE,
    ),
  );
}
