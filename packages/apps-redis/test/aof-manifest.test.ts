/** The manifest of an append-only file, and files of a redis-server before 7.0, which have none. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BadManifest, formatManifest, parseManifest } from "../src/aof/manifest.js";
import { aofFolder } from "./aof-folder.js";

const folder = aofFolder();

test("manifests are read as they were written, and what is none is refused", () => {
  const manifest = {
    base: { name: "a b.1.base.rdb", seq: 1 },
    increments: [
      { name: "a.1.incr.aof", seq: 1 },
      { name: 'quote".2.incr.aof', seq: 2 },
    ],
    history: [{ name: "old", seq: 7 }],
  };
  expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
  const line = "file a seq 1 type i\n";
  const wrong = [
    "",
    "file a seq 1 type i",
    "file a seq 1\n",
    "file a/b seq 1 type i\n",
    "file .. seq x type i\n",
    "file a seq 0 type i\n",
    "file a seq 99999999999999999999 type i\n",
    `${line}${line}`,
    "file a seq 1 type b\nfile b seq 2 type b\n",
    'file "a seq 1 type i\n',
    `file ${"a".repeat(1100)} seq 1 type i\n`,
  ];
  for (const text of wrong) expect(() => parseManifest(text)).toThrow(BadManifest);
  expect(parseManifest(`# a remark\n${line}`).increments).toEqual([{ name: "a", seq: 1 }]);
});

test.each([["before"], ["in the middle of"]])(
  "a file of a redis-server before 7.0 is taken over, %s it",
  async (when) => {
    if (when !== "before") {
      // Who began it died before the file was moved.
      mkdirSync(join(folder().path, "appendonlydir"));
      writeFileSync(folder().manifest, "file appendonly.aof seq 1 type b\n");
    }
    const old = join(folder().path, "appendonly.aof");
    writeFileSync(old, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n");
    const server = await folder().start();
    try {
      expect(
        await server.call([
          ["GET", "a"],
          ["INCR", "a"],
        ]),
      ).toEqual(["7", 8]);
    } finally {
      await server.stop();
    }
    expect(existsSync(old)).toBe(false);
    expect((await folder().loaded()).call("GET", "a")).toBe("$1\r\n8\r\n");
  },
);
