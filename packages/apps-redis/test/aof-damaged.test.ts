/** Append-only files that are not as they were written: a torn end is cut off, all else is refused, with the file and the offset. */
import { appendFileSync, copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { LoadError } from "../src/persistence/load-error.js";
import { aofFolder, PROGRAM } from "./aof-folder.js";

const folder = aofFolder();

/** What whoever starts a server hears: cli.ts prints a LoadError as a sentence. */
async function refusal(): Promise<string> {
  const error = await folder()
    .loaded()
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(LoadError);
  return (error as Error).message;
}

test("the end of the last file may be torn anywhere: it is cut off, and said, and the rest is there", async () => {
  const server = await folder().start();
  await server.call([
    ["SET", "a", "1"],
    ["SELECT", "3"],
    ["SET", "b", "2"],
    ["MULTI"],
    ["INCR", "c"],
    ["INCR", "d"],
    ["EXEC"],
  ]);
  await server.stop();
  const name = folder().increment;
  const whole = statSync(name).size;
  const bytes = readFileSync(name, "latin1");
  const transaction = bytes.indexOf("*1\r\n$5\r\nMULTI");
  expect(transaction).toBeGreaterThan(0);
  for (const size of [whole - 1, whole - 20, whole - 50, transaction + 3, transaction + 1]) {
    truncateSync(name, size);
    const loaded = await folder().loaded();
    loaded.call("SELECT", "3");
    expect({ size, values: loaded.call("MGET", "b", "c", "d") }).toEqual({
      size,
      values: "*3\r\n$1\r\n2\r\n$-1\r\n$-1\r\n",
    });
    expect(statSync(name).size).toBe(transaction);
    writeFileSync(name, bytes, "latin1");
  }
  truncateSync(name, whole - 1);
  expect(folder().refused("--aof-load-truncated", "no")).toMatch(
    /it ends within a command, which begins at offset \d+/,
  );
  const again = await folder().start();
  try {
    expect(
      await again.call([
        ["SELECT", "3"],
        ["MGET", "b", "c", "d"],
      ]),
    ).toEqual(["OK", ["2", null, null]]);
  } finally {
    await again.stop();
  }
});

test("what is damaged before its end is refused, with the file and the offset", async () => {
  const server = await folder().start();
  await server.call(Array.from({ length: 50 }, (_, i) => ["SET", `key:${i}`, "value"]));
  await server.stop();
  const name = folder().increment;
  const text = readFileSync(name, "latin1");
  const at = text.indexOf("key:20");
  const begin = text.lastIndexOf("*3", at);
  const damage: [string, RegExp][] = [
    [text.slice(0, begin) + text.slice(begin + 1), /no command begins here|invalid/],
    [text.slice(0, begin).concat(text.slice(begin).replace("$6", "$x")), /invalid bulk length/],
    // All that follows would be one value.
    [
      text.slice(0, begin).concat(text.slice(begin).replace("$5\r\nvalue", "$5000000\r\nvalue")),
      /others follow at offset/,
    ],
    [text.slice(0, begin).concat(text.slice(begin).replace("SET", "SOT")), /unknown command 'SOT'/],
    [text.slice(0, begin).concat(text.slice(begin).replace("*3", "*9")), /expected '\$'|no command begins/],
    [`${text.slice(0, begin)}\0\0\0\0${text.slice(begin)}`, /no command begins here/],
    [text.replace(/\*3\r\n\$3\r\nSET/, "*1\r\n$4\r\nEXEC\r\n*3\r\n$3\r\nSET"), /EXEC without MULTI/],
  ];
  for (const [bytes, why] of damage) {
    writeFileSync(name, bytes, "latin1");
    const told = await refusal();
    expect(told).toMatch(why);
    expect(told).toMatch(/appendonly\.aof\.1\.incr\.aof: at offset \d+/);
    expect(readFileSync(name, "latin1")).toBe(bytes);
  }
  // Only the last increment may be torn.
  writeFileSync(name, text.slice(0, -3), "latin1");
  writeFileSync(folder().file("appendonly.aof.2.incr.aof"), "*1\r\n$4\r\nPING\r\n");
  appendFileSync(folder().manifest, "file appendonly.aof.2.incr.aof seq 2 type i\n");
  expect(await refusal()).toMatch(/1\.incr\.aof: it ends within a command/);
  rmSync(name);
  expect(await refusal()).toMatch(/it is not there, and the manifest names it/);
  writeFileSync(folder().manifest, "file a seq 1 type x\n");
  expect(await refusal()).toMatch(/manifest: line 1: a type that is not b, i or h/);
  const base = folder().file("appendonly.aof.1.base.rdb");
  copyFileSync(PROGRAM, base);
  writeFileSync(folder().manifest, "file appendonly.aof.1.base.rdb seq 1 type b\n");
  expect(await refusal()).toMatch(/1\.base\.rdb: at offset \d+: no command begins here/);
  // What is wrong in an RDB file is a sentence too, and no trace of the program.
  writeFileSync(base, "REDIS0010\xff\0\0\0\0\0\0\0\x01", "latin1");
  expect(folder().refused()).toBe(`demi-redis: ${base} cannot be loaded: at offset 18: the checksum is wrong\n`);
});
