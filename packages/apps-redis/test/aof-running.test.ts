/** The append-only file of a server that runs: it is turned on and off, its rules are changed, and it gets a new base when it has grown. */
import { statSync } from "node:fs";
import { aofFolder, settled } from "./aof-folder.js";
import { DemiRedis } from "./demi-redis.js";
import { eventually } from "./eventually.js";

const folder = aofFolder();

test("it is turned on and off while the server runs, and its rules are changed", async () => {
  const server = await DemiRedis.start("--dir", folder().path, "--appendfsync", "no");
  try {
    await server.call([["SET", "before", "1"]]);
    expect(
      await server.call([
        ["CONFIG", "SET", "appendonly", "yes"],
        ["SET", "while", "1"],
      ]),
    ).toEqual(["OK", "OK"]);
    await settled(server.client);
    for (const rule of ["always", "everysec", "always", "no"]) {
      await server.call([
        ["CONFIG", "SET", "appendfsync", rule],
        ["SET", rule, "1"],
        ["INCR", "n"],
      ]);
    }
    await server.call([["MULTI"], ["INCR", "n"], ["BGREWRITEAOF"], ["INCR", "n"], ["EXEC"]]);
    await settled(server.client);
    expect(
      await server.call([
        ["CONFIG", "SET", "appendonly", "no"],
        ["SET", "after", "1"],
      ]),
    ).toEqual(["OK", "OK"]);
  } finally {
    await server.stop();
  }
  expect((await folder().loaded()).call("MGET", "before", "while", "no", "always", "n", "after")).toBe(
    `*6\r\n${"$1\r\n1\r\n".repeat(4)}$1\r\n6\r\n$-1\r\n`,
  );
});

test("a file that has grown gets a new base by itself, and nothing is lost meanwhile", async () => {
  const server = await folder().start("--auto-aof-rewrite-min-size", "65536");
  try {
    for (let i = 0; i < 40; i++) await server.call(Array.from({ length: 100 }, () => ["INCRBY", "n", "1"]));
    await eventually("a new base", async () =>
      /aof_rewrites:[2-9]/.test(String(await server.client.send("INFO", "persistence"))),
    );
    await settled(server.client);
    expect(statSync(folder().increment).size).toBeLessThan(65536);
  } finally {
    await server.stop();
  }
  expect((await folder().loaded()).call("GET", "n")).toBe("$4\r\n4000\r\n");
});
