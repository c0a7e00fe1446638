const key = (g) => g.key("hash");

export const hash = [
  [8, (g) => ["HSET", key(g), g.some(3, () => [g.member(), g.value()])]],
  [0.02, (g) => ["HSET", key(g), Array.from({ length: 300 }, (_, i) => [`many${i}`, String(i)]).flat()]],
  [1, (g) => ["HMSET", key(g), g.some(3, () => [g.member(), g.value()])]],
  [2, (g) => ["HSETNX", key(g), g.member(), g.value()]],
  [6, (g) => ["HGET", key(g), g.member()]],
  [2, (g) => ["HMGET", key(g), g.some(4, () => g.member())]],
  [1, (g) => ["HGETALL", key(g)]],
  [0.5, (g) => [g.pick("HKEYS", "HVALS"), key(g)]],
  [2, (g) => ["HLEN", key(g)]],
  [2, (g) => ["HSTRLEN", key(g), g.member()]],
  [2, (g) => ["HEXISTS", key(g), g.member()]],
  [4, (g) => ["HDEL", key(g), g.some(3, () => g.member())]],
  [3, (g) => ["HINCRBY", key(g), g.member(), g.integer()]],
  [2, (g) => ["HINCRBYFLOAT", key(g), g.member(), g.float()]],
  [0.3, (g) => ["HRANDFIELD", key(g), "1000", g.maybe(0.5, "WITHVALUES")].flat().slice(0, 3)],
  [0.5, (g) => ["DEL", key(g)]],
];
