const key = (g) => g.key("list");
const side = (g) => g.pick("LEFT", "RIGHT", "left", "UP");

export const list = [
  [6, (g) => [g.pick("LPUSH", "RPUSH"), key(g), g.manyMembers(() => g.value())]],
  [2, (g) => [g.pick("LPUSHX", "RPUSHX"), key(g), g.some(2, () => g.value())]],
  [5, (g) => [g.pick("LPOP", "RPOP"), key(g), g.maybe(0.3, () => g.count())]],
  [2, (g) => ["LLEN", key(g)]],
  [3, (g) => ["LINDEX", key(g), g.small()]],
  [2, (g) => ["LINSERT", key(g), g.pick("BEFORE", "AFTER", "AT"), g.value(), g.value()]],
  [2, (g) => ["LSET", key(g), g.small(), g.value()]],
  [4, (g) => ["LRANGE", key(g), g.small(), g.small()]],
  [1, (g) => ["LTRIM", key(g), g.small(), g.pick("-1", "20", g.small())]],
  [2, (g) => ["LREM", key(g), g.small(), g.value()]],
  [2, (g) => ["LPOS", key(g), g.value(), g.maybe(0.3, "RANK", () => g.small()), g.maybe(0.3, "COUNT", () => g.count()), g.maybe(0.2, "MAXLEN", () => g.count())]],
  [2, (g) => ["LMOVE", key(g), key(g), side(g), side(g)]],
  [1, (g) => ["RPOPLPUSH", key(g), key(g)]],
  [1, (g) => ["LMPOP", g.pick("1", "2", "0", "x"), key(g), key(g), side(g), g.maybe(0.5, "COUNT", () => g.count())]],
  [0.5, (g) => ["DEL", key(g)]],
]; // biome-ignore format: a table
