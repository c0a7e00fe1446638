const key = (g) => g.key("zset");
const even = (g) => `y:${g.random.below(3)}`;
const score = (g) => (g.chance(0.2) ? `(${g.float()}` : g.chance(0.1) ? g.pick("-inf", "+inf", "(inf") : g.float());
const lex = (g) => (g.chance(0.15) ? g.pick("-", "+", "x") : `${g.pick("[", "(")}${g.member()}`);
const limit = (g) =>
  g.maybe(
    0.2,
    "LIMIT",
    () => g.small(),
    () => g.small(),
  );
const scores = (g, p = 0.4) => g.maybe(p, "WITHSCORES");
const many = (g) => [g.pick("1", "2", "2", "0", "x"), key(g), key(g)];
const weighed = (g) => [
  g.maybe(
    0.2,
    "WEIGHTS",
    () => g.float(),
    () => g.float(),
  ),
  g.maybe(0.2, "AGGREGATE", g.pick("SUM", "MIN", "MAX", "AVG")),
];

export const zset = [
  [8, (g) => ["ZADD", key(g), g.maybe(0.1, g.pick("NX", "XX")), g.maybe(0.1, g.pick("GT", "LT")), g.maybe(0.1, "CH"), g.maybe(0.05, "INCR"), g.some(3, () => [g.float(), g.member()])]],
  [0.03, (g) => ["ZADD", key(g), Array.from({ length: 200 }, (_, i) => [String(i % 50), `many${i}`]).flat()]],
  [2, (g) => ["ZADD", even(g), g.some(4, () => ["0", g.member()])]],
  [1, (g) => ["ZREM", even(g), g.some(3, () => g.member())]],
  [3, (g) => ["ZINCRBY", key(g), g.float(), g.member()]],
  [3, (g) => ["ZSCORE", key(g), g.member()]],
  [1, (g) => ["ZMSCORE", key(g), g.some(3, () => g.member())]],
  [1, (g) => ["ZCARD", key(g)]],
  [3, (g) => [g.pick("ZRANK", "ZREVRANK"), key(g), g.member()]],
  [2, (g) => ["ZCOUNT", key(g), score(g), score(g)]],
  [1, (g) => ["ZLEXCOUNT", even(g), lex(g), lex(g)]],
  [3, (g) => [g.pick("ZRANGE", "ZREVRANGE"), key(g), g.small(), g.small(), scores(g)]],
  [2, (g) => ["ZRANGE", key(g), score(g), score(g), "BYSCORE", g.maybe(0.3, "REV"), limit(g), scores(g)]],
  [1, (g) => ["ZRANGE", even(g), lex(g), lex(g), "BYLEX", g.maybe(0.3, "REV"), limit(g), scores(g, 0.05)]],
  [1, (g) => [g.pick("ZRANGEBYSCORE", "ZREVRANGEBYSCORE"), key(g), score(g), score(g), scores(g), limit(g)]],
  [1, (g) => [g.pick("ZRANGEBYLEX", "ZREVRANGEBYLEX"), even(g), lex(g), lex(g), limit(g)]],
  [1, (g) => ["ZRANGESTORE", key(g), key(g), g.small(), g.small(), g.maybe(0.2, "REV")]],
  [3, (g) => ["ZREM", key(g), g.some(3, () => g.member())]],
  [0.5, (g) => ["ZREMRANGEBYRANK", key(g), g.small(), g.small()]],
  [0.5, (g) => ["ZREMRANGEBYSCORE", key(g), score(g), score(g)]],
  [0.5, (g) => ["ZREMRANGEBYLEX", even(g), lex(g), lex(g)]],
  [1, (g) => [g.pick("ZUNION", "ZINTER"), many(g), weighed(g), scores(g)]],
  [0.5, (g) => ["ZDIFF", many(g), scores(g)]],
  [1, (g) => [g.pick("ZUNIONSTORE", "ZINTERSTORE"), key(g), many(g), weighed(g)]],
  [0.5, (g) => ["ZDIFFSTORE", key(g), many(g)]],
  [0.5, (g) => ["ZINTERCARD", many(g), g.maybe(0.3, "LIMIT", () => g.count())]],
  [2, (g) => [g.pick("ZPOPMIN", "ZPOPMAX"), key(g), g.maybe(0.4, () => g.count())]],
  [1, (g) => ["ZMPOP", many(g), g.pick("MIN", "MAX", "MID"), g.maybe(0.4, "COUNT", () => g.count())]],
  [0.5, (g) => ["DEL", key(g)]],
]; // biome-ignore format: a table
