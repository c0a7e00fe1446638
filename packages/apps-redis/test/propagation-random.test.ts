/** Random commands of several clients: both servers tell the same, and whoever does what they tell has the same in the end. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { digestOfValue } from "../src/commands/server/debug-digest.js";
import { Direct } from "./direct.js";
import { type Followed, Recorder, replay, selecting, type Told } from "./followed.js";
import { Generator } from "./oracle/generator.mjs";
import { Random } from "./random.js";
import { besideRedis, RedisServer } from "./redis-server.js";
import { encode, type Reply, readReply } from "./resp.mjs";
import { toldCommand } from "./told-commands.js";
import { TwoFollowed } from "./two-followed.js";

const CLIENTS = 4;
const ROUNDS = 8;
/** Times that a client sends something in a round, and commands that it sends at most. */
const TURNS = 180;
const MOST = 12;
/** Milliseconds for redis-server to load what it was told. */
const LOADING = 20_000;
const NODE_ENTRIES = 5;
const OPTIONS = ["--enable-debug-command", "yes", "--stream-node-max-entries", String(NODE_ENTRIES)];

/** A redis-server that has been told all of it by a file in this folder. */
async function loaded(told: readonly Told[], folder: string): Promise<RedisServer> {
  const file = join(folder, "appendonly.aof");
  writeFileSync(file, encode(selecting(told)), "latin1");
  const server = await RedisServer.start(...OPTIONS, "--appendonly", "yes", "--dir", folder);
  // It says LOADING until it has all of it.
  for (const end = Date.now() + LOADING; ; ) {
    const [size] = await server.call([["DBSIZE"]]);
    if (!(size instanceof Error)) return server;
    if (Date.now() > end) throw size;
    await pause(10);
  }
}

/** Of each key what DEBUG DIGEST-VALUE has, and whether it expires. */
function digests({ server }: Direct): Record<string, string> {
  const found: Record<string, string> = {};
  for (const db of server.keyspace.dbs) {
    db.dict.each((ref) => {
      found[`${db.id}:${db.key(ref)}`] = `${digestOfValue(db, ref)} ${db.expiryOf(ref) !== -1}`;
    });
  }
  return found;
}

/** Encodings whose order is Redis's own dice. */
const UNORDERED = ["hashtable", "skiplist"];

/** All values, by DUMP where it says the same of the same; of groups what is told of them, without times and counts. */
async function expectSameIn(server: RedisServer, { direct, server: ours }: Followed): Promise<void> {
  try {
    expect(await server.call([["DEBUG", "DIGEST"]])).toEqual([direct.all]);
    let compared = 0;
    for (const db of ours.keyspace.dbs) {
      direct.client.db = db.id;
      const keys: string[] = [];
      db.dict.each((ref) => keys.push(db.key(ref)));
      const asked = keys.flatMap((key) => [
        ["OBJECT", "ENCODING", key],
        ["PEXPIRETIME", key],
        ["DUMP", key],
        ["XINFO", "STREAM", key, "FULL", "COUNT", "0"],
      ]);
      const [, ...theirs] = await server.call([["SELECT", db.id], ...asked]);
      for (const [i, words] of asked.entries()) {
        const encoding = String(theirs[i - (i % 4)]);
        const ourEncoding = readReply(direct.call("OBJECT", "ENCODING", String(asked[i - (i % 4)][2])), 0)?.value;
        // A SORT makes a sorted set large, and what was told as SET of a number is one.
        if (words[0] === "OBJECT" || (words[0] === "DUMP" && !/int|str|raw/.test(encoding) && encoding !== ourEncoding))
          continue;
        if (words[0] === "XINFO" && encoding !== "stream") continue;
        if (words[0] === "DUMP" && (encoding === "stream" || UNORDERED.includes(encoding))) continue;
        const mine = readReply(direct.call(...words), 0)?.value as Reply;
        const shown = words[0] === "XINFO" ? groupsOf : (reply: Reply): Reply => reply;
        expect({ words, reply: shown(mine) }).toEqual({ words, reply: shown(theirs[i]) });
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(20);
  } finally {
    direct.client.db = 0;
    await server.stop();
  }
}

/** Of each group its name, up to where it has read, and what is pending for whom. */
function groupsOf(info: Reply): Reply {
  const field = (map: Reply, name: string): Reply => (map as Reply[])[(map as Reply[]).indexOf(name) + 1];
  return (field(info, "groups") as Reply[]).map((group) => [
    field(group, "name"),
    field(group, "last-delivered-id"),
    (field(group, "pending") as Reply[]).map((one) => (one as Reply[]).slice(0, 2)),
  ]);
}

besideRedis("random commands", OPTIONS, (redis) => {
  test("told alike, with the same outcome", async () => {
    const random = new Random("what is told");
    const configure = (config: { streamNodeMaxEntries: number }): void => {
      config.streamNodeMaxEntries = NODE_ENTRIES;
    };
    const both = await TwoFollowed.open(redis(), configure);
    const file = new Recorder(false);
    const folder = mkdtempSync(join(tmpdir(), "demi-redis-told-"));
    both.ours.server.propagation.follow(file);
    let commands = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await both.begin();
        file.told.length = 0;
        const generator = new Generator(random.word());
        for (let turn = 0; turn < TURNS; turn++) {
          const client = 1 + random.below(CLIENTS);
          if (both.isBlocked(client)) {
            if (random.below(2) === 0) await both.unblock(client);
            continue;
          }
          const words = Array.from({ length: 1 + random.below(MOST) }, () => toldCommand(generator));
          await both.send(words.map((one) => ({ client, words: one })));
        }
        await both.expectSame();
        const other = new Direct(undefined, configure);
        replay(file.told, other);
        expect(digests(other)).toEqual(digests(both.ours.direct));
        expect(other.all).toBe(both.ours.direct.all);
        if (round === 0) await expectSameIn(await loaded(file.told, folder), both.ours);
        commands += file.told.length;
      }
      // Of more than 5000 that are sent: most of them read, or have an error.
      expect(commands).toBeGreaterThan(1000);
    } finally {
      both.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
