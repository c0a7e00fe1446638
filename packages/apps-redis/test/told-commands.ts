/** Random commands that are told in other words than they come, beside those of the oracle's generator. */
import type { Generator } from "./oracle/generator.mjs";

type Make = (g: Generator) => string[];

const side = (g: Generator): string => g.pick("LEFT", "RIGHT", "left");
const end = (g: Generator): string => g.pick("MIN", "MAX");
const database = (g: Generator): string => String(g.random.below(3));
const list = (g: Generator): string => g.key("list");
const zset = (g: Generator): string => g.key("zset");
const stream = (g: Generator): string => g.key("stream");
const entry = (g: Generator): string => `${g.random.below(90)}-${g.random.below(4)}`;
const LATER = ["1000", "100000"] as const;
const TIMES = ["9999999999", "8888888888", "1"] as const;
const MILLISECONDS = ["9999999999999", "8888888888888", "1"] as const;
const expiry = (g: Generator): string[] =>
  g.pick(
    ["EX", g.pick(...LATER)],
    ["PX", `${g.pick(...LATER)}000`],
    ["EXAT", g.pick(...TIMES)],
    ["PXAT", g.pick(...MILLISECONDS)],
  );

const MAKERS: readonly Make[] = [
  (g) => ["SET", g.key("string"), g.value(), ...g.maybe(0.5, "GET"), ...g.pick(["KEEPTTL"], [], ["EX", "1000"], ["PXAT", "9999999999999"])],
  (g) => ["GETEX", g.key("string"), ...g.pick(["PERSIST"], [], expiry(g))],
  (g) => [g.pick("EXPIRE", "PEXPIRE"), g.anyKey(), g.pick("100000", "900000", "-1"), ...g.maybe(0.3, g.pick("NX", "XX", "GT", "LT"))],
  (g) => ["EXPIREAT", g.anyKey(), g.pick(...TIMES), ...g.maybe(0.3, g.pick("NX", "XX", "GT", "LT"))],
  (g) => ["RESTORE", g.anyKey(), "0", `{${g.anyKey()}}`, ...g.maybe(0.7, "REPLACE")],
  (g) => ["RESTORE", g.anyKey(), g.pick("100000", "900000"), `{${g.anyKey()}}`, "REPLACE"],
  (g) => ["RESTORE", g.anyKey(), g.pick(...MILLISECONDS), `{${g.anyKey()}}`, "REPLACE", "ABSTTL"],
  (g) => ["SPOP", g.key("set"), "1000"],
  (g) => ["LMPOP", "2", list(g), list(g), side(g), ...g.maybe(0.5, "COUNT", () => g.count())],
  (g) => [g.pick("BLPOP", "BRPOP"), list(g), list(g), "0"],
  (g) => ["BLMPOP", "0", "2", list(g), list(g), side(g), ...g.maybe(0.5, "COUNT", () => g.count())],
  (g) => ["BLMOVE", list(g), list(g), side(g), side(g), "0"],
  (g) => ["BRPOPLPUSH", list(g), list(g), "0"],
  (g) => ["ZMPOP", "2", zset(g), zset(g), end(g), ...g.maybe(0.5, "COUNT", () => g.count())],
  (g) => [g.pick("BZPOPMIN", "BZPOPMAX"), zset(g), zset(g), "0"],
  (g) => ["BZMPOP", "0", "2", zset(g), zset(g), end(g), ...g.maybe(0.5, "COUNT", () => g.count())],
  (g) => ["XADD", stream(g), g.pick("MAXLEN", "MAXLEN", "MINID"), "~", String(g.random.below(30)), ...g.maybe(0.5, "LIMIT", "50"), `${g.random.below(90)}-*`, "f", g.value()],
  (g) => ["XTRIM", stream(g), "MAXLEN", "~", String(g.random.below(20))],
  (g) => ["XTRIM", stream(g), "MINID", "~", entry(g)],
  (g) => ["XREADGROUP", "GROUP", "g0", `c${g.random.below(3)}`, "BLOCK", "0", ...g.maybe(0.3, "NOACK"), "STREAMS", stream(g), ">"],
  (g) => ["XREAD", "BLOCK", "0", "STREAMS", stream(g), stream(g), "$", entry(g)],
  (g) => ["XGROUP", "CREATE", stream(g), "g0", g.pick("0", "$"), "MKSTREAM"],
  (g) => ["XCLAIM", stream(g), "g0", "c1", "0", entry(g), entry(g), ...g.maybe(0.3, "FORCE"), ...g.maybe(0.3, "JUSTID"), ...g.maybe(0.2, "LASTID", () => entry(g))],
  (g) => ["XAUTOCLAIM", stream(g), "g0", "c2", "0", "-", "COUNT", "3"],
  (g) => ["GEORADIUS", g.key("geo"), "10", "10", "9000", "km", "STORE", g.key("geo")],
  (g) => ["SORT", list(g), "ALPHA", "STORE", list(g)],
  (g) => ["SELECT", database(g)],
  () => ["SELECT", "0"],
  () => ["SELECT", "0"],
  (g) => ["MOVE", g.anyKey(), database(g)],
  (g) => ["COPY", g.anyKey(), g.anyKey(), "DB", database(g), ...g.maybe(0.5, "REPLACE")],
  (g) => (g.chance(0.1) ? ["SWAPDB", database(g), database(g)] : ["PUBLISH", "channel", g.value()]),
  (g) => (g.chance(0.03) ? [g.pick("FLUSHALL", "FLUSHDB")] : ["SPUBLISH", "channel", g.value()]),
]; // biome-ignore format: a table

/** Of all commands. */
const OWN = 0.35;

export function toldCommand(g: Generator): string[] {
  for (;;) {
    const words = g.chance(OWN) ? MAKERS[g.random.below(MAKERS.length)](g) : g.command();
    // Redis leaves zeros that it does not tell, of a field that may not overflow (LIMITS.md).
    const leavesZeros = words[0] === "BITFIELD" && words.includes("FAIL");
    // The numbers of places at the far edge are beyond what a double has exactly: it is told here, the number there.
    const isEdge = words[0] === "GEOADD" && words.some((word) => /^(180|85\.05112878)$/.test(word));
    if (!leavesZeros && !isEdge) return words;
  }
}
