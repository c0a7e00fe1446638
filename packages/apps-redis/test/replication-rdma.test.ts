/** A replica that follows its master where the kernel's sockets are not: over RDMA's messages, by a provider that needs no device. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./demi-redis.js";
import { unlessLacking } from "./skipping.js";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** As working directory: a package around it that is a backend counts as installed. */
const cwd = fileURLToPath(new URL("../../libos-rdma", import.meta.url));
const HOST = "127.0.0.1";
const PATIENCE = 60_000;
const built = existsSync(join(cwd, "prebuilds/linux-x64/demi_rdma.node"));
const lacking = built ? undefined : "the addon of libos-rdma is not built here: apt install libfabric-dev";

unlessLacking(lacking, "a replica over RDMA", () => {
  const dir = mkdtempSync(join(tmpdir(), "demi-redis-"));
  const config = join(dir, "demi.yaml");
  const servers: ChildProcess[] = [];
  afterAll(async () => {
    for (const server of servers) {
      const gone = once(server, "exit");
      if (server.kill()) await gone;
    }
    rmSync(dir, { recursive: true, force: true });
  });

  async function serve(port: number): Promise<void> {
    const words = [CLI, "server", "--host", HOST, "--port", String(port), "--config", config];
    const more = ["--save", "", "--dir", dir, "--repl-diskless-sync-delay", "0"];
    const server = spawn(process.execPath, [...words, ...more], { cwd, stdio: ["ignore", "pipe", "inherit"] });
    servers.push(server);
    const [line] = await once(server.stdout, "data");
    expect(String(line)).toContain(`ready on ${HOST}:${port}, rdma`);
  }

  /** Sends commands to a server, one after the other; what it replies. */
  async function say(port: number, ...commands: string[]): Promise<string[]> {
    const words = [CLI, "cli", "-h", HOST, "-p", String(port), "--config", config];
    const client = spawn(process.execPath, words, { cwd, stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    client.stdout.on("data", (data) => {
      said += data;
    });
    client.stdin.end(`${commands.join("\n")}\n`);
    await once(client, "exit");
    return said.trim().split("\n");
  }

  test(
    "it has what was there, and what comes",
    async () => {
      writeFileSync(config, "libos: rdma\nrdma:\n  provider: tcp\n");
      const [master, replica] = [await freePort(), await freePort()];
      await Promise.all([serve(master), serve(replica)]);
      expect(await say(master, "SET before 1", "RPUSH list a b c")).toEqual(["OK", "3"]);
      await say(replica, `REPLICAOF ${HOST} ${master}`);
      // It waits until the replica is there, and has this, too.
      expect(await say(master, "WAIT 1 0", "SET after 2", "WAIT 1 0")).toEqual(["1", "OK", "1"]);
      expect(await say(replica, "MGET before after", "LRANGE list 0 -1")).toEqual(["1", "2", "a", "b", "c"]);
    },
    PATIENCE,
  );
});
