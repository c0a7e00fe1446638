/** Places beside redis-server: random commands, every reply the same to the byte. */
import { Random } from "./random.js";
import { sideBySide } from "./side-by-side.js";

const random = new Random("geo-oracle");
const KEYS = ["world", "town", "wild", "none"];
const UNITS = ["m", "km", "ft", "mi", "KM", "yd"];
const EDGES = [
  "180",
  "-180",
  "85.05112878",
  "-85.05112878",
  "0",
  "-0",
  "1e-9",
  "85.1",
  "181.0078125",
  "1e300",
  "inf",
  "x",
  "nan",
];

const degree = (most: number) =>
  random.below(30) === 0 ? random.pick(EDGES) : String((random.word() / 2 ** 32) * 2 * most - most);
/** All over the world, or around one place. */
function point(key: string): [string, string] {
  if (key !== "town") return [degree(180), degree(85)];
  return [String(13.4 + (random.word() / 2 ** 32) * 0.1), String(52.5 + (random.word() / 2 ** 32) * 0.1)];
}
const member = () => `m${random.below(150)}`;
const key = () => random.pick(KEYS);
const unit = () => (random.below(25) === 0 ? "yd" : random.pick(UNITS.slice(0, 5)));
const some = <T>(make: () => T, most = 4): T[] => Array.from({ length: 1 + random.below(most) }, make);
const maybe = (...words: string[]) => (random.below(3) === 0 ? words : []);

function size(of: string): string {
  if (random.below(30) === 0) return random.pick(["-1", "x", "0", "1e300", "inf"]);
  return String((random.word() / 2 ** 32) * 10 ** random.below(of === "town" ? 5 : 8));
}

const told = () => [
  ...maybe("WITHDIST"),
  ...maybe("WITHCOORD"),
  ...maybe("withhash"),
  ...maybe(random.pick(["ASC", "DESC", "desc"])),
  ...maybe("COUNT", random.pick(["1", "5", "100", "0", "x", "-1"]), ...maybe("ANY")),
];
const shape = (of: string) =>
  random.below(2) === 0 ? ["BYRADIUS", size(of), unit()] : ["BYBOX", size(of), size(of), unit()];
const center = (of: string) => (random.below(2) === 0 ? ["FROMMEMBER", member()] : ["FROMLONLAT", ...point(of)]);
const stores = () =>
  maybe(
    ...random.pick([
      ["STORE", "stored"],
      ["STOREDIST", "distances"],
    ]),
  );

function command(): string[] {
  const of = key();
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
      return [
        "GEOADD",
        of,
        ...maybe(random.pick(["NX", "XX", "CH"])),
        ...some(() => [...point(of), member()], 6).flat(),
      ];
    case 3:
      return ["GEOPOS", of, ...some(member)];
    case 4:
      return ["GEOHASH", of, ...some(member)];
    case 5:
      return ["GEODIST", of, member(), member(), ...maybe(unit())];
    case 6:
      return [
        "ZADD",
        "wild",
        random.pick([
          "-1",
          "1e300",
          "-1e300",
          "inf",
          "-inf",
          "0.5",
          "9007199254740993",
          "18446744073709551615",
          "1e18",
          "-5e18",
          "4503599627370495",
        ]),
        member(),
      ];
    case 7:
      return ["GEORADIUS", of, ...point(of), size(of), unit(), ...told(), ...(random.below(4) === 0 ? stores() : [])];
    case 8:
      return [
        "GEORADIUSBYMEMBER",
        of,
        member(),
        size(of),
        unit(),
        ...told(),
        ...(random.below(4) === 0 ? stores() : []),
      ];
    case 9:
      return [
        random.pick(["GEORADIUS_RO"]),
        of,
        ...point(of),
        size(of),
        unit(),
        ...told(),
        ...(random.below(9) === 0 ? stores() : []),
      ];
    case 10:
      return ["GEORADIUSBYMEMBER_RO", of, member(), size(of), unit(), ...told()];
    case 11: {
      const [into, ...option] = random.pick([["stored"], ["distances", "STOREDIST"]]);
      const more = random.below(5) === 0 ? told() : [];
      return ["GEOSEARCHSTORE", into, of, ...center(of), ...shape(of), ...option, ...more];
    }
    case 12:
      return ["GEOSEARCH", of, ...center(of), ...shape(of), ...told(), ...(random.below(9) === 0 ? center(of) : [])];
    default:
      return ["GEOSEARCH", of, ...shape(of), ...told(), ...center(of), ...(random.below(9) === 0 ? shape(of) : [])];
  }
}

const EXTREMES = [
  ["SET", "string", "x"],
  ["GEOADD", "string", "1", "1", "a"],
  ["GEOPOS", "string"],
  ["GEOSEARCH", "string", "FROMLONLAT", "1", "1", "BYRADIUS", "1", "m"],
  ["GEOADD", "none", "NX", "XX", "1", "1", "a"],
  ["GEOADD", "none", "1", "1"],
  ["GEOADD", "none", "nx", "ch", "xx"],
  ["GEODIST", "none", "a", "b", "m", "x"],
  ["GEOSEARCH", "none", "BYRADIUS", "1", "m", "ASC", "ASC"],
  ["geoSearch", "none", "FROMLONLAT", "1", "1", "ASC", "ASC"],
  ["GEORADIUSBYMEMBER", "nokey", "a", "x", "y", "STORE", "stored"],
  ["GEORADIUS", "nokey", "1", "1", "1", "m", "WITHDIST", "STORE", "stored"],
  ["GEOSEARCH", "nokey", "FROMMEMBER", "a", "BYRADIUS", "1", "m", "ANY"],
];

const ALL = [
  ...[...KEYS, "stored"].flatMap((of) => [
    ["DUMP", of],
    ["ZRANGE", of, "0", "-1", "WITHSCORES"],
  ]),
  ["ZRANGE", "distances", "0", "-1", "WITHSCORES"],
  ["OBJECT", "ENCODING", "distances"],
];

/** One in a thousand sines of the C library is not the nearest double, and so is the last digit of a distance that is stored. */
function normal(reply: string, [name, key]: readonly string[]): string {
  if (name !== "ZRANGE" || key !== "distances") return reply;
  return reply.replace(/(?:\$\d+\r\n|,)(\d+\.?\d*(?:e-?\d+)?)\r\n/g, (_, score) => `${Number(score).toPrecision(12)} `);
}

sideBySide("places as redis-server has them", [], (both) => {
  test.each([2, 3])("random commands, RESP%i", async (resp) => {
    await both.compareBytes([["HELLO", String(resp)]], (reply) => reply[0]);
    await both.compareBytes(EXTREMES);
    for (let round = 0; round < 6; round++) {
      await both.compareBytes([...Array.from({ length: 250 }, command), ...ALL], normal);
    }
  });
});
