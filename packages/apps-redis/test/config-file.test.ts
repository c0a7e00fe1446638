/** redis.conf and the words of the command line: what is a value, what is added, and where the file is that CONFIG REWRITE writes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { byName, Config } from "../src/config/config.js";
import { directivesOf, type Loaded, loadText } from "../src/config/file.js";
import { freePort } from "./demi-redis.js";
import { RespClient } from "./resp-client.js";
import { RunningServer } from "./running-server.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

/** What parameters are after these texts. */
function after(texts: readonly string[], ...names: string[]): string[] {
  const config = new Config();
  const loaded: Loaded = { users: [], renamed: [], unknown: [], hasSave: false };
  for (const text of texts) loadText(config, text, "a test", loaded);
  return names.map((name) => config.get(byName(name)));
}

test("what is behind a name alone is its value, though it begins with --", () => {
  const words = [
    "--proc-title-template",
    "--my--title",
    "--loglevel",
    "verbose",
    "--maxmemory 700mb",
    "--maxmemory-policy",
    "allkeys-lru",
  ];
  expect(after([directivesOf(words)], "proc-title-template", "loglevel", "maxmemory", "maxmemory-policy")).toEqual([
    "--my--title",
    "verbose",
    "734003200",
    "allkeys-lru",
  ]);
  expect(after([directivesOf(["--save", "--loglevel", "debug"])], "save", "loglevel")).toEqual(["", "debug"]);
  expect(after([directivesOf(["--loglevel", "debug", "--save"])], "save", "loglevel")).toEqual(["", "debug"]);
});

test("the first save takes the place of the default, wherever it stands, others are added, and an empty one takes all away", () => {
  expect(after([""], "save")).toEqual(["3600 1 300 100 60 10000"]);
  expect(after(["save 900 1", directivesOf(["--save", "100", "100"])], "save")).toEqual(["900 1 100 100"]);
  expect(after(["save 900 1\nsave 5 5"], "save")).toEqual(["900 1 5 5"]);
  expect(after(["save 900 1", directivesOf(["--save", ""])], "save")).toEqual([""]);
});

test("CONFIG REWRITE writes the file that was read, though `dir` is another folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "demi-redis-config-"));
  const file = join(folder, "redis.conf");
  mkdirSync(join(folder, "data"));
  const port = await freePort();
  writeFileSync(file, `port ${port}\ndir data\nsave ""\nenable-debug-command yes\n`);
  const child = spawn(process.execPath, [PROGRAM, "server", "redis.conf"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(child.stdout as NodeJS.ReadableStream, "data");
    const client = await RespClient.open({ host: "127.0.0.1", port }, child);
    expect(
      await client.call([
        ["CONFIG", "SET", "maxmemory", "5mb"],
        ["CONFIG", "REWRITE"],
      ]),
    ).toEqual(["OK", "OK"]);
    expect(readFileSync(file, "latin1")).toMatch(/^maxmemory 5242880$/m);
    expect(readFileSync(file, "latin1")).not.toMatch(/^lfu-decay-time/m);
    expect(await client.call([["DEBUG", "CONFIG-REWRITE-FORCE-ALL"]])).toEqual(["OK"]);
    expect(readFileSync(file, "latin1")).toMatch(/^lfu-decay-time 1$/m);
    client.close();
  } finally {
    const gone = once(child, "exit");
    if (child.kill()) await gone;
    rmSync(folder, { recursive: true, force: true });
  }
});

test("rename-command: a command has another name, or none, for clients, COMMAND and the append-only file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "demi-redis-renamed-"));
  const renamed = ["set Put", 'flushall ""', "get SET"].flatMap((words) => ["--rename-command", ...words.split(" ")]);
  const options = ["--save", "", "--appendonly", "yes", ...renamed.map((word) => (word === '""' ? "" : word))];
  try {
    let server = await (await RunningServer.start(folder, ...options)).ready();
    let client = await server.connect();
    const replies = await client.call([["PUT", "a", "1"], ["SET", "a"], ["GET", "a"], ["FLUSHALL"]]);
    expect(replies.map(String)).toEqual([
      "OK",
      "1",
      "Error: ERR unknown command 'GET', with args beginning with: 'a' ",
      "Error: ERR unknown command 'FLUSHALL', with args beginning with: ",
    ]);
    const [info, all, made] = await client.call([
      ["COMMAND", "INFO", "put", "get"],
      ["COMMAND", "LIST"],
      ["ACL", "SETUSER", "reader", "on", "nopass", "+get", "~*"],
    ]);
    expect((info as unknown[][]).map((one) => one?.[0])).toEqual(["set", undefined]);
    expect(all).not.toContain("flushall");
    // Rules are by the names that commands have always.
    expect(made).toBe("OK");
    const dry = await client.call([["ACL", "DRYRUN", "reader", "set", "a"]]);
    expect(dry).toEqual(["OK"]);
    client.close();
    expect(await server.end()).toBe(0);
    server = await (await RunningServer.start(folder, ...options)).ready();
    client = await server.connect();
    expect(await client.call([["SET", "a"]])).toEqual(["1"]);
    client.close();
    expect(await server.end()).toBe(0);
    for (const [words, why] of [
      [["nothing", "a"], "No such command in rename-command"],
      [["get", "set"], "Target command name already exists"],
      [["get"], "wrong number of arguments"],
    ] as const) {
      server = await RunningServer.start(folder, "--rename-command", ...words);
      expect(await server.ended()).toBe(1);
      expect(server.said).toContain(why);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
