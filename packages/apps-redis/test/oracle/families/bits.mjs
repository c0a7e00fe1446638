const key = (g) => g.key("bits");
const offset = (g) =>
  g.pick("0", "1", "7", "8", "100", "-1", "4294967295", "4294967296", "x", String(g.random.below(300)));
const type = (g) => `${g.pick("u", "i")}${g.pick("1", "4", "8", "13", "16", "31", "32", "63", "64", "65", "0")}`;

export const bits = [
  [4, (g) => ["SETBIT", key(g), g.chance(0.95) ? String(g.random.below(300)) : g.pick("-1", "4294967296", "x"), g.pick("0", "1", "1", "2")]],
  [3, (g) => ["GETBIT", key(g), offset(g)]],
  [3, (g) => ["BITCOUNT", key(g), g.maybe(0.6, () => g.small(), () => g.small(), g.maybe(0.5, g.pick("BIT", "BYTE", "X")))]],
  [3, (g) => ["BITPOS", key(g), g.pick("0", "1", "2"), g.maybe(0.6, () => g.small(), g.maybe(0.7, () => g.small(), g.maybe(0.5, g.pick("BIT", "BYTE"))))]],
  [2, (g) => ["BITOP", g.pick("AND", "OR", "XOR", "NOT"), key(g), g.some(3, () => key(g))]],
  [4, (g) => ["BITFIELD", key(g), g.some(3, () => g.pick(
    ["GET", type(g), g.pick("0", "#1", "5", "100")],
    ["SET", type(g), g.pick("0", "#1", "5", "100"), g.integer()],
    ["INCRBY", type(g), g.pick("0", "#1", "5", "100"), g.integer()],
    ["OVERFLOW", g.pick("WRAP", "SAT", "FAIL", "BAD")]))]],
  [1, (g) => ["BITFIELD_RO", key(g), g.some(2, () => ["GET", type(g), offset(g)])]],
  [1, (g) => ["GET", key(g)]],
]; // biome-ignore format: a table
