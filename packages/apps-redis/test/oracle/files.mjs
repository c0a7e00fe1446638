#!/usr/bin/env node
// The same RDB file in demi-redis and in redis-server: one fills itself by random commands and saves, both load that, and all they hold is
// compared; then the other way round.
//
//   node files.mjs --ours WHERE --theirs WHERE [--commands N] [--seed N]
//
// WHERE as of main.mjs. Both have enable-debug-command. Prints one line of JSON; exits with 1 when they differ.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compareKeyspaces } from "./comparison.mjs";
import { FAMILIES } from "./families/index.mjs";
import { Generator } from "./generator.mjs";
import { makesMinusZero } from "./minus-zero.mjs";
import { Peer } from "./peer.mjs";
import { Random } from "./random.mjs";

const BATCH = 500;
const DATABASES = ["0", "3", "15"];

const { values } = parseArgs({
  options: {
    ours: { type: "string" },
    theirs: { type: "string" },
    commands: { type: "string", default: "12000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const seed = Number(values.seed);
const random = new Random(seed);
const ours = new Peer("demi-redis", values.ours);
const theirs = new Peer("redis-server", values.theirs);
// Those that say where they are, or leave it.
const families = Object.keys(FAMILIES).filter((family) => family !== "transaction");

/** What the random commands seldom make: large values, binary keys, times to live at the edges, groups with what is pending. */
function special() {
  const text = (length) => String.fromCharCode(...Array.from({ length }, () => random.below(256)));
  const many = (count, make) => Array.from({ length: count }, (_, i) => make(i)).flat();
  const all = [
    ["SET", text(40), text(300)],
    ["SET", "", ""],
    ["SET", "compressible", "abcdefgh".repeat(40_000)],
    ["SET", "plain", text(20_000)],
    ["SET", "far", "1", "PXAT", "9007199254740991"],
    ["SET", "soon", "1", "EX", "1000"],
    ["RPUSH", "large list", ...many(3000, (i) => `element ${i}`), text(9000), "z".repeat(70_000)],
    ["SADD", "large set", ...many(3000, (i) => `member${i}`)],
    ["SADD", "integers", ...many(500, (i) => String(i * 1_000_003))],
    ["HSET", "large hash", ...many(2000, (i) => [`field${i}`, text(random.below(80))])],
    ["ZADD", "large zset", ...many(2000, (i) => [String(random.next() * 1e6 - 5e5), `member${i}`])],
    ["ZADD", "infinite", "inf", "a", "-inf", "b", "0", "c"],
    ["PFADD", "sketch", ...many(3000, (i) => `one${i}`)],
  ];
  for (let i = 1; i < 500; i++) all.push(["XADD", "large stream", `${i}-${i}`, "a", text(9), `b${i % 3}`, String(i)]);
  all.push(["XDEL", "large stream", "7-7", "499-499"], ["XGROUP", "CREATE", "large stream", "one", "0"]);
  all.push(["XGROUP", "CREATE", "large stream", "two", "$", "ENTRIESREAD", "3"]);
  all.push(["XREADGROUP", "GROUP", "one", "alice", "COUNT", "200", "STREAMS", "large stream", ">"]);
  all.push(["XREADGROUP", "GROUP", "one", "bob", "COUNT", "50", "STREAMS", "large stream", ">"]);
  all.push(
    ["XACK", "large stream", "one", "1-1", "2-2", "201-201"],
    ["XGROUP", "CREATECONSUMER", "large stream", "two", "c"],
  );
  return all;
}

async function fill(peer) {
  await peer.send([["FLUSHALL"]]);
  for (const db of DATABASES) {
    const generator = new Generator(random.below(2 ** 32), families);
    const commands = Array.from({ length: Number(values.commands) / DATABASES.length }, () => generator.command());
    if (db === "3") commands.push(...special());
    // What changes the database, or gives the server another file, is not of this.
    const kept = commands.filter((words) => !/^(SELECT|SWAPDB|FLUSH)/i.test(words[0]) && !makesMinusZero(words));
    for (let at = 0; at < kept.length; at += BATCH) await peer.send([["SELECT", db], ...kept.slice(at, at + BATCH)]);
  }
}

async function folderOf(peer) {
  return (await peer.ask("CONFIG", "GET", "dir"))[1];
}

async function expectReply(peer, wanted, ...command) {
  const reply = await peer.ask(...command);
  if (reply !== wanted) throw new Error(`${peer.name}: ${command}: ${reply}`);
}

/** The file of one in the other. */
async function exchange(from, to) {
  const digest = await from.ask("DEBUG", "DIGEST");
  await expectReply(from, "OK", "SAVE");
  const file = join(await folderOf(from), "dump.rdb");
  const said = execFileSync("redis-check-rdb", [file], { encoding: "utf8" });
  if (!said.includes("RDB looks OK")) throw new Error(said);
  copyFileSync(file, join(await folderOf(to), "dump.rdb"));
  // Both load it: how a value is held may depend on what it was before.
  for (const peer of [to, from]) {
    await expectReply(peer, "OK", "DEBUG", "RELOAD", "NOSAVE");
    await expectReply(peer, digest, "DEBUG", "DIGEST");
  }
  for (const db of DATABASES) {
    await Promise.all([from.send([["SELECT", db]]), to.send([["SELECT", db]])]);
    const found = await compareKeyspaces(ours, theirs);
    if (found !== undefined) throw new Error(`${from.name}'s file, database ${db}: ${found}`);
  }
}

let keys = 0;
try {
  for (const [from, to] of [
    [ours, theirs],
    [theirs, ours],
  ]) {
    await fill(from);
    await exchange(from, to);
    keys += await to.ask("DBSIZE");
  }
} catch (error) {
  console.error(`seed ${seed}: ${error.stack}`);
  process.exit(1);
}
console.log(JSON.stringify({ seed, keys }));
ours.end();
theirs.end();
