const key = (g) => g.key("string");

export const string = [
  [10, (g) => ["SET", key(g), g.value(), g.maybe(0.1, g.pick("NX", "XX")), g.maybe(0.1, "GET"), g.maybe(0.05, "KEEPTTL"),
    g.maybe(0.08, g.pick("EX", "PX"), g.pick("100000", "0", "-1", "abc", "9223372036854775807", "1000000000"))]],
  [10, (g) => ["GET", key(g)]],
  [2, (g) => ["GETEX", key(g), g.maybe(0.3, "PERSIST"), g.maybe(0.2, "EX", "100000")]],
  [2, (g) => ["GETDEL", key(g)]],
  [2, (g) => ["GETSET", key(g), g.value()]],
  [2, (g) => ["SETNX", key(g), g.value()]],
  [1, (g) => ["SETEX", key(g), g.pick("100000", "0", "-5", "x"), g.value()]],
  [1, (g) => ["PSETEX", key(g), g.pick("100000000", "0", "-5", "x"), g.value()]],
  [2, (g) => ["MSET", g.some(3, () => [key(g), g.value()])]],
  [1, (g) => ["MSETNX", g.some(2, () => [key(g), g.value()])]],
  [2, (g) => ["MGET", g.some(4, () => g.anyKey())]],
  [3, (g) => ["APPEND", key(g), g.value()]],
  [2, (g) => ["STRLEN", key(g)]],
  [2, (g) => ["SETRANGE", key(g), g.pick("0", "1", "5", "100", "-1", "536870912", g.small()), g.value()]],
  [3, (g) => [g.pick("GETRANGE", "SUBSTR"), key(g), g.small(), g.small()]],
  [3, (g) => [g.pick("INCR", "DECR"), key(g)]],
  [3, (g) => [g.pick("INCRBY", "DECRBY"), key(g), g.integer()]],
  [3, (g) => ["INCRBYFLOAT", key(g), g.float()]],
  [1, (g) => ["LCS", key(g), key(g), g.maybe(0.3, "LEN"), g.maybe(0.3, "IDX"), g.maybe(0.2, "MINMATCHLEN", g.small()), g.maybe(0.2, "WITHMATCHLEN")]],
]; // biome-ignore format: a table
