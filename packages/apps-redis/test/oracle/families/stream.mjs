const key = (g) => g.key("stream");
const id = (g) => `${g.random.below(60)}${g.chance(0.7) ? `-${g.random.below(4)}` : ""}`;
const bound = (g) => (g.chance(0.3) ? g.pick("-", "+", "$", "x") : `${g.chance(0.1) ? "(" : ""}${id(g)}`);
const group = (g) => `g${g.random.below(2)}`;
const consumer = (g) => `c${g.random.below(3)}`;
let last = 0;

export const stream = [
  [6, (g) => ["XADD", key(g), g.maybe(0.05, "NOMKSTREAM"), g.maybe(0.1, g.pick("MAXLEN", "MINID"), g.maybe(0.3, "="), () => g.count()), g.chance(0.9) ? `${++last}-${g.pick("*", "1", "0")}` : g.pick(id(g), "0-0", "x"), g.some(2, () => [g.member(), g.value()])]],
  [1, (g) => ["XLEN", key(g)]],
  [3, (g) => [g.pick("XRANGE", "XREVRANGE"), key(g), bound(g), bound(g), g.maybe(0.3, "COUNT", () => g.count())]],
  [1, (g) => ["XDEL", key(g), g.some(2, () => id(g))]],
  [1, (g) => ["XTRIM", key(g), g.pick("MAXLEN", "MINID"), g.maybe(0.3, "="), g.count()]],
  [1, (g) => ["XREAD", g.maybe(0.5, "COUNT", () => g.count()), "STREAMS", key(g), id(g)]],
  [1, (g) => ["XGROUP", g.pick("CREATE", "CREATE", "SETID"), key(g), group(g), g.pick("0", "$", id(g)), g.maybe(0.3, "MKSTREAM")]],
  [0.3, (g) => ["XGROUP", "DESTROY", key(g), group(g)]],
  [0.5, (g) => ["XGROUP", g.pick("CREATECONSUMER", "DELCONSUMER"), key(g), group(g), consumer(g)]],
  [3, (g) => ["XREADGROUP", "GROUP", group(g), consumer(g), g.maybe(0.5, "COUNT", () => g.count()), g.maybe(0.1, "NOACK"), "STREAMS", key(g), g.pick(">", ">", "0", id(g))]],
  [1, (g) => ["XACK", key(g), group(g), g.some(2, () => id(g))]],
  [1, (g) => ["XPENDING", key(g), group(g)]],
  [1, (g) => ["XCLAIM", key(g), group(g), consumer(g), "0", g.some(2, () => id(g)), "JUSTID"]],
  [1, (g) => ["XAUTOCLAIM", key(g), group(g), consumer(g), "0", id(g), g.maybe(0.4, "COUNT", () => g.count()), "JUSTID"]],
  [0.5, (g) => ["XSETID", key(g), id(g)]],
  [0.2, (g) => ["DEL", key(g)]],
]; // biome-ignore format: a table
