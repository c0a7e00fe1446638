const key = (g) => g.key("set");

export const set = [
  [7, (g) => ["SADD", key(g), g.manyMembers()]],
  [2, (g) => ["SADD", key(g), g.some(4, () => g.integer())]],
  [4, (g) => ["SREM", key(g), g.some(3, () => g.member())]],
  [4, (g) => ["SISMEMBER", key(g), g.member()]],
  [2, (g) => ["SMISMEMBER", key(g), g.some(3, () => g.member())]],
  [2, (g) => ["SCARD", key(g)]],
  [1, (g) => ["SMEMBERS", key(g)]],
  [2, (g) => ["SMOVE", key(g), key(g), g.member()]],
  [0.3, (g) => ["SPOP", key(g), "100000"]],
  [0.3, (g) => ["SRANDMEMBER", key(g), "100000"]],
  [1, (g) => [g.pick("SINTER", "SUNION", "SDIFF"), g.some(3, () => key(g))]],
  [1, (g) => ["SINTERCARD", g.pick("1", "2", "0", "x"), key(g), key(g), g.maybe(0.3, "LIMIT", () => g.count())]],
  [1, (g) => [g.pick("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"), key(g), g.some(3, () => key(g))]],
  [0.5, (g) => ["DEL", key(g)]],
];
