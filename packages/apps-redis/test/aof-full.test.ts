/** No room for the append-only file: on a device of a storage engine, and on a file system. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aofFolder, PROGRAM } from "./aof-folder.js";
import { DemiRedis, freePort } from "./demi-redis.js";
import { eventually } from "./eventually.js";
import { makeLogApplication } from "./log-application.mjs";
import { Random } from "./random.js";
import { RespClient } from "./resp-client.js";
import { unlessLacking } from "./skipping.js";

const folder = aofFolder();

test("a device that is full ends the server, and what it had acknowledged is there", async () => {
  const random = new Random("a full device");
  const { path } = folder();
  const config = makeLogApplication(path, `file:${join(path, "device")},size=2MiB`);
  const rules = ["--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];
  const start = (): Promise<DemiRedis> => DemiRedis.startIn(path, "--dir", path, "--config", config, ...rules);
  const full = await start();
  const value = "v".repeat(20_000);
  let acknowledged = 0;
  try {
    for (; acknowledged < 1000; acknowledged++) {
      const [reply] = await full.call([["SET", `key:${acknowledged}`, `${value}${random.word()}`]]);
      expect(reply).toBe("OK");
    }
  } catch (error) {
    expect((error as Error).message).toMatch(/gone/);
  } finally {
    await full.stop();
  }
  expect(acknowledged).toBeGreaterThan(10);
  expect(acknowledged).toBeLessThan(1000);
  const again = await start();
  try {
    expect(await again.call([["DBSIZE"]])).toEqual([acknowledged]);
  } finally {
    await again.stop();
  }
});

/** Why no file system can be made that is soon full: in a namespace of its own, which is gone with the server. */
const lackingMounts = (): string | undefined =>
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0
    ? undefined
    : "no root, or no namespaces, for a small file system";

unlessLacking(lackingMounts(), "a file system that is full", () => {
  test("with everysec commands that write are refused until there is room, and nothing is lost", async () => {
    const { path } = folder();
    const script = `mount -t tmpfs -o size=512k none "$0" && head -c 200000 /dev/zero > "$0/filler" && exec "$@"`;
    const port = await freePort();
    const words = ["server", "--port", String(port), "--dir", path, "--appendonly", "yes"];
    const child = spawn("unshare", ["-m", "sh", "-c", script, path, process.execPath, PROGRAM, ...words], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      const client = await RespClient.open({ port, host: "127.0.0.1" }, child);
      const value = "v".repeat(10_000);
      let written = 0;
      await eventually("a write is refused", async () => {
        const [reply] = await client.call([["SET", `key:${written}`, value]]);
        if (/LOADING/.test(String(reply))) return false;
        if (reply !== "OK") {
          expect(String(reply)).toMatch(/MISCONF Errors writing to the AOF file: ENOSPC/);
          return true;
        }
        written++;
        return false;
      });
      expect(written).toBeGreaterThan(10);
      expect(await client.call([["GET", "key:1"]])).toEqual([value]);
      spawnSync("nsenter", ["-t", String(child.pid), "-m", "rm", join(path, "filler")]);
      await eventually("writes are taken again", async () => (await client.call([["SET", "after", "1"]]))[0] === "OK");
      await eventually("all is written", async () =>
        /aof_buffer_length:0\r/.test(String(await client.send("INFO", "persistence"))),
      );
      client.close();
      mkdirSync(join(path, "appendonlydir"));
      for (const name of ["appendonly.aof.manifest", "appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"]) {
        const { stdout } = spawnSync("nsenter", ["-t", String(child.pid), "-m", "cat", folder().file(name)]);
        writeFileSync(folder().file(name), stdout);
      }
      expect((await folder().loaded()).call("DBSIZE")).toBe(`:${written + 1}\r\n`);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
