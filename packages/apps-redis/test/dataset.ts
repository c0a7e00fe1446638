/** All that a server holds, as values that are the same in redis-server and in ours, before and after a restart. */
import type { Direct } from "./direct.js";
import { type Reply, type Request, readReply } from "./resp.mjs";

/** Whoever sends commands, and gets their replies. */
interface Caller {
  call(commands: readonly Request[]): Promise<Reply[]>;
}

/** Every key of all databases: its type, its expiry and what is in it. Neither server promises the order of hashes and sets. */
export async function datasetOf(client: Caller): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (let db = 0; db < 16; db++) {
    const [, keys] = await client.call([
      ["SELECT", String(db)],
      ["KEYS", "*"],
    ]);
    if (!Array.isArray(keys)) throw new Error(`KEYS was answered ${keys}`);
    const about = await client.call(
      (keys as string[]).flatMap((key) => [
        ["TYPE", key],
        ["PEXPIRETIME", key],
      ]),
    );
    const types = keys.map((_, i) => String(about[2 * i]));
    const values = await client.call((keys as string[]).map((key, i) => contents(types[i], key)));
    for (const [i, key] of keys.entries())
      found[`${db} ${key}`] = [types[i], about[2 * i + 1], normal(types[i], values[i])];
  }
  return found;
}

/** The same of a server in the test's own process. */
export function datasetIn(direct: Direct): Promise<Record<string, unknown>> {
  const reply = (words: Request): Reply => readReply(direct.call(...words), 0)?.value ?? null;
  return datasetOf({ call: async (commands) => commands.map(reply) });
}

function normal(type: string, value: unknown): unknown {
  if (type === "hash" || type === "set") return inOrder(value as string[], type);
  // A score of -0 is 0 in a listpack, which a small sorted set becomes when it is loaded.
  if (type === "zset") return (value as string[]).map((one, i) => (i % 2 === 1 && one === "-0" ? "0" : one));
  return type === "stream" ? withoutHistory(value) : value;
}

/** Of streams what depends on how they came to be so: nodes after trimming, when a consumer was seen, how many entries a group has read. */
const HISTORY = new Set(["radix-tree-keys", "radix-tree-nodes", "seen-time", "entries-read", "lag"]);

function withoutHistory(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  // Who reads nothing is told of by XREADGROUP alone, as in Redis.
  const isIdle = (one: unknown): boolean => Array.isArray(one) && one[4] === "pel-count" && one[5] === 0;
  return value.filter((one, i) => !HISTORY.has(String(value[i - (i % 2)])) && !isIdle(one)).map(withoutHistory);
}

function contents(type: string, key: string): string[] {
  if (type === "hash") return ["HGETALL", key];
  if (type === "set") return ["SMEMBERS", key];
  if (type === "zset") return ["ZRANGE", key, "0", "-1", "WITHSCORES"];
  // Without what depends on how entries came to be trimmed.
  if (type === "stream") return ["XINFO", "STREAM", key, "FULL", "COUNT", "0"];
  return ["DUMP", key];
}

function inOrder(value: string[], type: string): string[] {
  if (type === "set") return [...value].sort();
  return value
    .map((one, i) => (i % 2 === 0 ? `${one} ${value[i + 1]}` : ""))
    .filter((_, i) => i % 2 === 0)
    .sort();
}
