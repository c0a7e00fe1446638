const any = (g) => g.anyKey();
const later = (g) => g.pick("100000", "200000", "0", "-1", "9223372036854775807", "x");

export const keyspace = [
  [3, (g) => [g.pick("DEL", "UNLINK"), g.some(2, () => any(g))]],
  [2, (g) => ["EXISTS", g.some(3, () => any(g))]],
  [2, (g) => ["TYPE", any(g)]],
  [1, (g) => ["OBJECT", "ENCODING", any(g)]],
  [1, (g) => [g.pick("RENAME", "RENAMENX"), any(g), any(g)]],
  [1, (g) => ["COPY", any(g), any(g), g.maybe(0.5, "REPLACE")]],
  [1, (g) => [g.pick("EXPIRE", "PEXPIRE"), any(g), later(g), g.maybe(0.3, g.pick("NX", "XX", "GT", "LT"))]],
  [1, (g) => [g.pick("EXPIREAT", "PEXPIREAT"), any(g), g.pick("99999999999", "4000000000", "1", "0", "x"), g.maybe(0.3, g.pick("NX", "XX", "GT", "LT"))]],
  [1, (g) => ["PERSIST", any(g)]],
  [0.5, (g) => ["TOUCH", g.some(3, () => any(g))]],
  [0.2, (g) => ["KEYS", g.pick("*", "s:*", "?:1", "[a-h]:*", "[^s]:0", "x", "\\s:1")]],
  [0.3, () => ["DBSIZE"]],
  // By numbers in sort-oracle.test.ts: redis-server takes an errno that some command before has left behind for that of a number here.
  [0.5, (g) => ["SORT", g.key(g.pick("list", "set", "zset")), "ALPHA", g.maybe(0.3, "DESC"), g.maybe(0.3, "LIMIT", () => g.count(), () => g.count()), g.maybe(0.2, "STORE", () => g.key("list"))]],
  [0.2, (g) => ["MOVE", any(g), g.pick("1", "99", "x")]],
  [0.05, () => ["SELECT", "99"]],
]; // biome-ignore format: a table
