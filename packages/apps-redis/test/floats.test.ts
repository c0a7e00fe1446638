import { Listpack } from "../src/encodings/listpack.js";
import { Heap } from "../src/memory/heap.js";
import { formatDouble, formatScore, parseDouble, parseDoubleText } from "../src/numbers/doubles.js";
import { addLongDoubles, formatLongDouble, isInfinite, parseLongDouble } from "../src/numbers/long-doubles.js";
import { rdbString } from "./dump.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

const view = new DataView(new ArrayBuffer(8));

/** A double of random bits, or one whose text is short, or halfway between two texts of 17 digits. */
function double(random: Random): number {
  const kind = random.below(6);
  if (kind === 0) return (random.below(2_000_001) - 1_000_000) / 10 ** random.below(7);
  if (kind === 1) return (random.below(2 ** 31) * 2 ** random.below(40) + random.below(9)) * (random.below(2) * 2 - 1);
  if (kind === 2) return 1e14 + random.word() * 1000 + (random.below(8) * 2 + 1) / 8 / 2 ** random.below(2);
  if (kind === 3) return (2 * random.below(2 ** random.below(28)) + 1) / 2 ** (3 + random.below(23));
  for (;;) {
    view.setUint32(0, random.word());
    view.setUint32(4, random.word());
    const value = view.getFloat64(0);
    if (!Number.isNaN(value)) return value;
  }
}

/** A text that is a number, more or less. */
function numberText(random: Random): string {
  const digits = (most: number) => Array.from({ length: random.below(most + 1) }, () => random.below(10)).join("");
  const sign = () => random.pick(["", "", "", "-", "+"]);
  const kind = random.below(12);
  const exponent =
    random.below(2) === 0 ? "" : `${random.pick(["e", "E"])}${sign()}${random.below(random.pick([10, 340, 5000]))}`;
  if (kind === 0)
    return `${sign()}${random.pick(["inf", "Infinity", "INF", "nan", "NaN", "nan(1)", "infinit", "in", "info"])}`;
  if (kind === 1) {
    const hex = () => random.word().toString(16).slice(0, random.below(9));
    const power = random.pick(["", "p", `p${sign()}${random.below(1100)}`, `P-${random.below(17000)}`]);
    return `${sign()}${random.pick(["0x", "0X"])}${hex()}${hex()}${random.pick(["", ".", `.${hex()}${hex()}${hex()}`])}${power}`;
  }
  const text = `${sign()}${digits(random.pick([3, 17, 40]))}${random.pick(["", ".", `.${digits(30)}`])}${exponent}`;
  if (kind !== 2) return text;
  const at = random.below(text.length + 1);
  return text.slice(0, at) + random.pick([" ", "\0", "x", "e", ".", "-", "_", "1", "\n", "\v"]) + text.slice(at);
}

/** Texts at edges: of formats, of ranges, of halves. */
const EDGES = [
  "0",
  "-0",
  "+0",
  "0.0",
  "-0.0",
  ".",
  "",
  "-",
  "+",
  "e5",
  ".e5",
  "1e",
  "1e+",
  "1.e1",
  ".5",
  "5.",
  "00012",
  "0x",
  "0x.",
  "0x.8",
  "0x1.",
  "0xg",
  "0x1p",
  "0x1p1",
  "-0x1P-3",
  "0x1.fffffffffffff8p0",
  "0x1.fffffffffffff7ffffffffffffffffffffffffffffp0",
  "0x1p1024",
  "0x1p-1074",
  "0x1p-1075",
  "0x1.8p-1075",
  "0x0p99999999999",
  "0e99999999999",
  "0e-99999999999",
  "1e308",
  "1.7976931348623157e308",
  "1.7976931348623159e308",
  "1e309",
  "5e-324",
  "2e-324",
  "3e-324",
  "2.2250738585072011e-308",
  "1e-400",
  "1e4932",
  "1.18973149535723176502e4932",
  "1.1897314953572317651e4932",
  "1e4933",
  "3.6e-4951",
  "1.8e-4951",
  "1.9e-4951",
  "1e-4960",
  "1e99999999999999999999",
  "1e-99999999999999999999",
  " 1",
  "1 ",
  "\t1",
  "1\n",
  "1\0",
  "\u00a01",
  "1_0",
  "1,5",
  "9007199254740993",
  "18446744073709551617",
  "9223372036854775807",
  "9223372036854775808",
  "123456789012345.125",
  "123456789012345.375",
  "0.1",
  "0.3",
  "1.000000000000000055511151231257827",
  "inf",
  "-inf",
  "+inf",
  "infinity",
  "Inf",
  "INFINITY",
  "nan",
  "-nan",
  "NAN(12)",
  "infx",
  `1${"0".repeat(300)}`,
  `0.${"0".repeat(300)}1`,
  `${"9".repeat(1000)}e-1000`,
  `0x${"0".repeat(50)}1${"0".repeat(60)}1p-240`,
  "1".repeat(5119),
  "1".repeat(5120),
  `0.${"1".repeat(5117)}`,
  `0.${"1".repeat(5118)}`,
];

const fromBytes = (text: string) => parseDouble(Buffer.from(`1${text}1`, "latin1"), 1, text.length);

test("a double is read alike from bytes and from a text, and back from what is printed", () => {
  const random = new Random("doubles");
  for (let i = 0; i < 20_000; i++) {
    const text = i < EDGES.length ? EDGES[i] : numberText(random);
    if (!Object.is(fromBytes(text), parseDoubleText(text))) throw new Error(JSON.stringify(text));
    const value = double(random);
    for (const printed of [formatDouble(value), formatScore(value)]) {
      if (fromBytes(printed) !== value) throw new Error(`${value} ${printed}`);
    }
  }
});

test.each([
  [0.1, "0.10000000000000001"],
  [1e21, "1e+21"],
  [1e17, "1e+17"],
  [123456789012345680, "1.2345678901234568e+17"],
  [99999999999999984, "99999999999999984"],
  [1e-4, "0.0001"],
  [1e-5, "1.0000000000000001e-05"],
  [123456789012345 + 1 / 8, "123456789012345.12"],
  [123456789012345 + 3 / 8, "123456789012345.38"],
  [-123456789012345 - 1 / 8, "-123456789012345.12"],
  [3 / 2 ** 24, "1.7881393432617188e-07"],
  [5 / 2 ** 24, "2.9802322387695312e-07"],
  [-0, "-0"],
  [5e-324, "4.9406564584124654e-324"],
  [Number.NaN, "nan"],
  [-Infinity, "-inf"],
])("%d is printed as %s", (value, text) => expect(formatDouble(value)).toBe(text));

test.each([
  [2 ** 62, "4611686018427387904"],
  [-(2 ** 62), "-4611686018427387904"],
  [2 ** 62 + 1024, "4.6116860184273889e+18"],
  [1e18, "1000000000000000000"],
  [0.5, "0.5"],
  [-0, "0"],
])("the score %d is stored as %s", (value, text) => expect(formatScore(value)).toBe(text));

test("long texts take no long time", () => {
  const start = performance.now();
  expect(parseDoubleText(`0x${"f".repeat(5_000_000)}p-19999999`)).toBeCloseTo(2, 10);
  expect(parseDoubleText(`1${"0".repeat(5_000_000)}e-5000000`)).toBe(1);
  expect(parseLongDouble(`1e${"9".repeat(5000)}`)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(2000);
});

besideRedis("beside redis-server", ["--rdbcompression", "no"], (redis) => {
  test("texts are taken or not, and scores printed in replies and in a listpack", async () => {
    const random = new Random("scores");
    const texts = [...EDGES, ...Array.from({ length: 4000 }, () => numberText(random))];
    for (let i = 0; i < 8000; i++) texts.push(formatDouble(double(random)));
    const commands = texts.flatMap((text) => [
      ["DEL", "z"],
      ["ZADD", "z", text, "m"],
      ["ZSCORE", "z", "m"],
      ["DUMP", "z"],
    ]);
    const replies = await redis().call(commands);
    const heap = new Heap();
    const list = new Listpack();
    let taken = 0;
    texts.forEach((text, i) => {
      const value = parseDoubleText(text);
      const [, added, score, dump] = replies.slice(4 * i, 4 * i + 4);
      const what = JSON.stringify(text).slice(0, 200);
      if ((value === undefined) !== added instanceof Error) throw new Error(`${what}: ${value}, ${added}`);
      if (value === undefined) return;
      taken++;
      // The listpack holds -0 as 0.
      if (formatDouble(value + 0) !== score) throw new Error(`${what}: ${formatDouble(value)}, ${score}`);
      list.create(heap);
      list.appendText("m");
      list.appendText(formatScore(value));
      const bytes = Buffer.from(list.bytes.subarray(list.base, list.base + list.byteLength)).toString("latin1");
      if (rdbString(dump as string, 1).text !== bytes) throw new Error(`${what}: ${formatScore(value)}`);
      heap.free(list.ref);
    });
    expect(taken).toBeGreaterThan(8000);
    expect(taken).toBeLessThan(texts.length - 100);
  });

  test("sums of INCRBYFLOAT", async () => {
    const random = new Random("INCRBYFLOAT");
    const texts = () => (random.below(20) === 0 ? random.pick(EDGES) : numberText(random));
    const pairs = Array.from({ length: 6000 }, (_, i) => (i < EDGES.length ? [EDGES[i], "0"] : [texts(), texts()]));
    for (let i = 0; i < 3000; i++)
      pairs.push([`${random.below(1000)}.${random.below(100)}`, `${random.below(100)}.${random.below(1000)}`]);
    const replies = await redis().call(
      pairs.flatMap(([a, b]) => [
        ["SET", "k", a],
        ["INCRBYFLOAT", "k", b],
      ]),
    );
    let sums = 0;
    pairs.forEach(([a, b], i) => {
      const reply = replies[2 * i + 1];
      const [first, second] = [parseLongDouble(a), parseLongDouble(b)];
      let ours = "ERR value is not a valid float";
      if (first !== undefined && second !== undefined) {
        const sum = addLongDoubles(first, second);
        ours = sum === undefined ? "ERR increment would produce NaN or Infinity" : formatLongDouble(sum);
        if (isInfinite(first) || isInfinite(second)) expect(sum).toBeUndefined();
      }
      const theirs = reply instanceof Error ? reply.message : reply;
      if (ours !== theirs)
        throw new Error(`${JSON.stringify(a).slice(0, 99)} + ${JSON.stringify(b).slice(0, 99)}: ${ours}, ${theirs}`);
      if (!(reply instanceof Error)) sums++;
    });
    expect(sums).toBeGreaterThan(4000);
  });
});
