const key = (g) => g.key("stream");
const EDGES = ["18446744073709551615-18446744073709551615", "18446744073709551615", "0-0", "0-1", "9007199254740993-1", "4294967296-4294967295", "-1", "1-", "1--1", "01-02", "1-*", "x", "", "9223372036854775808-9223372036854775808", " 1", "+1"]; // biome-ignore format: a table
const id = (g) =>
  g.chance(0.01) ? g.pick(...EDGES) : `${g.random.below(90)}${g.chance(0.7) ? `-${g.random.below(4)}` : ""}`;
const bound = (g) =>
  g.chance(0.4) ? g.pick("-", "+", "-", "+", "$", "x", "(-", "(+", "(0-0") : `${g.chance(0.2) ? "(" : ""}${id(g)}`;
const group = (g) => `g${g.random.below(2)}`;
const consumer = (g) => `c${g.random.below(3)}`;
const trim = (g) => [
  g.chance(0.5) ? ["MAXLEN", g.maybe(0.5, g.pick("=", "~")), g.chance(0.1) ? g.small() : g.random.below(30)] : ["MINID", g.maybe(0.5, g.pick("=", "~")), id(g)],
  g.maybe(0.2, "LIMIT", () => (g.chance(0.2) ? g.small() : g.random.below(300))),
].flat(2).map(String); // biome-ignore format: a table
/** Ids that come in order over all keys, mostly: most of them are taken. */
let last = 0;
function next(g) {
  if (g.chance(0.2)) last++;
  return `${last}-${g.pick("*", "*", "*", "*", String(g.random.below(4)))}`;
}
/** Mostly the same fields, as entries of a node that has only their values. */
const fields = (g) => (g.chance(0.7) ? ["f", g.value(), "g", g.value()] : g.some(3, () => [g.member(), g.value()]));
const streams = (g, ids) => (g.chance(0.8) ? [key(g), ids()] : [key(g), key(g), ids(), ids()]);

export const stream = [
  [14, (g) => ["XADD", key(g), g.maybe(0.05, "NOMKSTREAM"), g.maybe(0.05, () => trim(g)), g.chance(0.95) ? next(g) : id(g), fields(g)]],
  [0.02, (g) => ["XADD", key(g), next(g), "long", "x".repeat(g.pick(3000, 4000, 5000)), g.member(), g.value()]],
  [1, (g) => ["XLEN", key(g)]],
  [3, (g) => [g.pick("XRANGE", "XREVRANGE"), key(g), bound(g), bound(g), g.maybe(0.3, "COUNT", () => g.count())]],
  [1.5, (g) => ["XDEL", key(g), g.some(4, () => id(g))]],
  [0.3, (g) => ["XTRIM", key(g), trim(g)]],
  [1, (g) => ["XREAD", g.maybe(0.5, "COUNT", () => g.count()), "STREAMS", streams(g, () => (g.chance(0.2) ? g.pick("$", ">", "+") : id(g)))]],
  [0.6, (g) => ["XGROUP", g.pick("CREATE", "CREATE", "SETID"), key(g), group(g), g.pick("0", "$", id(g)), g.maybe(0.3, "MKSTREAM"), g.maybe(0.2, "ENTRIESREAD", () => g.small())]],
  [0.1, (g) => ["XGROUP", "DESTROY", key(g), group(g)]],
  [0.3, (g) => ["XGROUP", g.pick("CREATECONSUMER", "DELCONSUMER"), key(g), group(g), consumer(g)]],
  [4, (g) => ["XREADGROUP", "GROUP", group(g), consumer(g), g.maybe(0.6, "COUNT", () => g.count()), g.maybe(0.1, "NOACK"), "STREAMS", streams(g, () => g.pick(">", ">", ">", "0", "$", id(g)))]],
  [1.5, (g) => ["XACK", key(g), group(g), g.some(5, () => id(g))]],
  [1, (g) => ["XPENDING", key(g), group(g)]],
  [0.3, (g) => ["XPENDING", key(g), group(g), g.maybe(0.3, "IDLE", () => g.pick("1000000", "x")), bound(g), bound(g), g.pick("0", "-1", "x"), g.maybe(0.3, () => consumer(g))]],
  [1, (g) => ["XCLAIM", key(g), group(g), consumer(g), g.chance(0.9) ? "0" : g.small(), g.some(3, () => id(g)), g.maybe(0.6, "JUSTID"), g.maybe(0.2, "FORCE"), g.maybe(0.1, "RETRYCOUNT", () => g.small()), g.maybe(0.1, g.pick("IDLE", "TIME"), () => g.small()), g.maybe(0.1, "LASTID", () => id(g))]],
  [1, (g) => ["XAUTOCLAIM", key(g), group(g), consumer(g), g.pick("0", "0", "0", "1000000", "x"), bound(g), g.maybe(0.4, "COUNT", () => g.count()), g.maybe(0.5, "JUSTID")]],
  [0.3, (g) => ["XSETID", key(g), id(g), g.maybe(0.2, "ENTRIESADDED", () => g.small()), g.maybe(0.2, "MAXDELETEDID", () => id(g))]],
  [0.7, (g) => ["XINFO", "STREAM", key(g)]],
  [0.5, (g) => ["XINFO", "GROUPS", key(g)]],
  [0.1, (g) => ["XINFO", "CONSUMERS", key(g), "none"]],
  [0.1, (g) => ["COPY", key(g), key(g), "REPLACE"]],
  [0.1, (g) => ["RENAME", key(g), key(g)]],
  [0.03, (g) => ["DEL", key(g)]],
]; // biome-ignore format: a table
