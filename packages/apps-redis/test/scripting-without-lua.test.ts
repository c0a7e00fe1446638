/** A machine without Lua: what needs it says how to get it, and all else works. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { RdbOpcode } from "../src/rdb/format.js";
import { RdbWriter } from "../src/rdb/writer.js";
import { RunningServer } from "./running-server.js";

const PLACE = `prebuilds/${process.platform}-${process.arch}`;
const ADDON = fileURLToPath(new URL(`../${PLACE}/demi_redis_lua.node`, import.meta.url));
const HOW = "liblua5.x.so.0, which is not installed: on Debian 12 run `apt install liblua5.1-0`";
const WHY = `there are no scripts here: the native part of @demikernel/apps-redis needs ${HOW}`;
const LIBRARY = "#!lua name=l\nredis.register_function('f', function() return 1 end)";

let folder: string;
let env: NodeJS.ProcessEnv;
const servers: RunningServer[] = [];

/** The addon as it was built, but that it asks the linker for a library that no machine has; node-gyp-build looks for it where the environment says. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-no-lua-"));
  const bytes = readFileSync(ADDON);
  const name = bytes.indexOf("liblua5.1.so.0\0");
  expect(name).toBeGreaterThan(0);
  bytes.write("liblua5.x.so.0", name, "latin1");
  mkdirSync(join(folder, PLACE), { recursive: true });
  writeFileSync(join(folder, PLACE, "demi_redis_lua.node"), bytes);
  env = { "@DEMIKERNEL/APPS_REDIS_PREBUILD": folder };
});
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.child.exitCode === null) await server.end("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function start(...options: string[]): Promise<RunningServer> {
  const server = await RunningServer.startWith(env, folder, ...options);
  servers.push(server);
  return server;
}

test("commands that need it say how to get it; those that do not, and all others, work", async () => {
  const server = await (await start("--save", "")).ready();
  const client = await server.connect();
  const needing = [
    ["EVAL", "return 1", "0"],
    ["EVAL_RO", "return 1", "0"],
    ["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
    ["SCRIPT", "LOAD", "return 1"],
    ["FUNCTION", "LOAD", LIBRARY],
  ];
  for (const reply of await client.call(needing)) expect(String(reply)).toContain(`ERR ${WHY}`);
  const others = [
    ["FCALL", "f", "0"],
    ["SCRIPT", "EXISTS", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"],
    ["SCRIPT", "FLUSH"],
    ["FUNCTION", "LIST"],
    ["FUNCTION", "FLUSH"],
    ["SET", "a", "1"],
    ["INCR", "a"],
    ["SAVE"],
  ];
  const replies = await client.call(others);
  expect(String(replies[0])).toContain("ERR Function not found");
  expect(replies.slice(1)).toEqual([[0], "OK", [], "OK", "OK", 2, "OK"]);
  client.close();
  expect(await server.end()).toBe(0);
});

test("a file with functions is not loaded without them: the server says what is missing, and the file stays", async () => {
  const writer = new RdbWriter().begin(false);
  writer.byte(RdbOpcode.FUNCTION_2);
  writer.text(LIBRARY);
  writer.byte(RdbOpcode.END);
  // A checksum of zero is none.
  const parts = [Buffer.from("REDIS0010"), Buffer.from(writer.bytes.subarray(0, writer.length)), Buffer.alloc(8)];
  const file = Buffer.concat(parts);
  writeFileSync(join(folder, "dump.rdb"), file);
  const server = await start();
  expect(await server.ended()).toBe(1);
  expect(server.said).toBe(`demi-redis: a library of functions cannot be loaded: ${WHY}\n`);
  expect(readFileSync(join(folder, "dump.rdb"))).toEqual(file);
});
