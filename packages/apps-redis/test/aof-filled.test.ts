/** A file that is filled ahead, as `appendfsync always` has it: what of the filling is left by a crash is no command and no value. */
import { readFileSync, writeFileSync } from "node:fs";
import { aofFolder } from "./aof-folder.js";
import { lackingRedis } from "./redis-program.js";
import { unlessLacking } from "./skipping.js";

const folder = aofFolder();

unlessLacking(lackingRedis(), "a file that is filled ahead", () => {
  test("is redis-server's to load after a crash, too; what a torn write has left of it is cut off, and no filling is taken for a value", async () => {
    const server = await folder().start("--appendfsync", "always");
    await server.call([
      ["SET", "a", "1"],
      ["SET", "large", "x".repeat(3000)],
    ]);
    await server.kill();
    const name = folder().increment;
    const bytes = readFileSync(name, "latin1");
    expect(bytes.length).toBeGreaterThan(200_000);
    const filling = bytes.slice(-64);
    expect(filling).toMatch(/^#[0-9a-f]{32} -*\n$/);
    expect(await folder().loadedByTheirs()).toMatchObject({ "0 a": ["string", -1, expect.anything()] });
    expect(folder().checked()).toMatch(/All AOF files and manifest are valid/);
    // As a machine that loses power may leave it: some of the last blocks as they were before.
    const begin = bytes.indexOf("xxxx") & ~63;
    const damage = [begin, begin + 64, begin + 1024].map((at) => bytes.slice(0, at) + filling + bytes.slice(at + 64));
    for (const torn of damage) {
      writeFileSync(name, torn, "latin1");
      const loaded = await folder().loaded();
      expect(loaded.call("MGET", "a", "large")).toBe("*2\r\n$1\r\n1\r\n$-1\r\n");
    }
    // A server goes on behind what is left.
    writeFileSync(name, damage[0], "latin1");
    const again = await folder().start("--appendfsync", "always");
    try {
      expect(
        await again.call([
          ["MGET", "a", "large"],
          ["SET", "b", "2"],
        ]),
      ).toEqual([["1", null], "OK"]);
    } finally {
      await again.kill();
    }
    expect((await folder().loaded()).call("MGET", "a", "large", "b")).toBe("*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n");
    // A value that looks like it is a value.
    writeFileSync(name, bytes, "latin1");
    const other = await folder().start("--appendfsync", "always");
    const alike = `#${"0".repeat(32)} ${"-".repeat(29)}\n`.repeat(10);
    await other.call([["SET", "alike", alike]]);
    await other.kill();
    const last = await folder().start("--appendfsync", "always");
    try {
      expect(
        await last.call([
          ["GET", "alike"],
          ["STRLEN", "large"],
        ]),
      ).toEqual([alike, 3000]);
    } finally {
      await last.stop();
    }
    // Nothing of it stays when the server ends.
    expect(readFileSync(folder().increment, "latin1")).not.toContain(filling);
  });
});
