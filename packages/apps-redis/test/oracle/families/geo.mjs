const key = (g) => g.key("geo");
const place = (g) => `p${g.random.below(12)}`;
const longitude = (g) =>
  g.chance(0.03) ? g.pick("181", "-181", "180", "x", "nan") : (g.random.next() * 360 - 180).toFixed(g.random.below(8));
const latitude = (g) =>
  g.chance(0.03) ? g.pick("86", "-86", "85.05112878", "x") : (g.random.next() * 170 - 85).toFixed(g.random.below(8));
const radius = (g) => g.pick("100", "1000", "5000000", "20000", "0", "-1", "x");
const unit = (g) => g.pick("m", "km", "ft", "mi", "KM", "yd");
const wanted = (g) => [
  g.maybe(0.3, "WITHCOORD"),
  g.maybe(0.3, "WITHDIST"),
  g.maybe(0.2, "WITHHASH"),
  g.maybe(0.2, "COUNT", () => g.count()),
];

export const geo = [
  [4, (g) => ["GEOADD", key(g), g.maybe(0.1, g.pick("NX", "XX")), g.maybe(0.1, "CH"), g.some(3, () => [longitude(g), latitude(g), place(g)])]],
  [2, (g) => ["GEOPOS", key(g), g.some(3, () => place(g))]],
  [2, (g) => ["GEODIST", key(g), place(g), place(g), g.maybe(0.5, unit(g))]],
  [1, (g) => ["GEOHASH", key(g), g.some(3, () => place(g))]],
  [2, (g) => ["GEOSEARCH", key(g), g.pick(["FROMMEMBER", place(g)], ["FROMLONLAT", longitude(g), latitude(g)]), g.pick(["BYRADIUS", radius(g), unit(g)], ["BYBOX", radius(g), radius(g), unit(g)]), g.pick("ASC", "DESC"), wanted(g)].flat(2)],
  // Without STOREDIST: the C library's sines are off by a unit in the last place for one in a thousand (src/geo/exact.ts), and DUMP tells.
  [1, (g) => ["GEOSEARCHSTORE", key(g), key(g), "FROMLONLAT", longitude(g), latitude(g), "BYRADIUS", radius(g), unit(g), "ASC"]],
  [1, (g) => ["GEORADIUS", key(g), longitude(g), latitude(g), radius(g), unit(g), "ASC", wanted(g)].flat()],
  [1, (g) => ["GEORADIUSBYMEMBER", key(g), place(g), radius(g), unit(g), "DESC", wanted(g)].flat()],
  [1, (g) => ["ZREM", key(g), place(g)]],
]; // biome-ignore format: a table
