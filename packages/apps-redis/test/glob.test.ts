import { globMatches, globMatchesText } from "../src/glob.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

test.each([
  ["*", "", false],
  ["", "", true],
  ["*", "a", true],
  ["a**b", "ab", true],
  ["a*b*", "acb", true],
  ["h[^e]llo", "hello", false],
  ["h[z-a]llo", "hello", true],
  ["h[a", "ha", true],
  ["h[", "ha", false],
  ["h[^", "ha", true],
  ["h\\*", "h*", true],
  ["h\\*", "hx", false],
  ["h\\", "h\\", true],
  ["[\\]]", "]", true],
  ["[^a", "b", true],
])("%s and %j: %s", (pattern, text, wanted) => {
  expect(globMatchesText(pattern, text)).toBe(wanted);
});

test("case is ignored on both sides", () => {
  expect(globMatchesText("MaX*[A-c]?", "maxMEMORYbZ", true)).toBe(true);
  expect(globMatchesText("MaX*", "maxmemory")).toBe(false);
});

test("many stars take no exponential time, and a long pattern no stack", () => {
  const text = Buffer.alloc(20_000, "a");
  const pattern = Buffer.from(`${"a*".repeat(5000)}b`);
  const begun = performance.now();
  expect(globMatches(pattern, 0, pattern.length, text, 0, text.length)).toBe(false);
  expect(performance.now() - begun).toBeLessThan(2000);
});

besideRedis("beside redis-server", [], (redis) => {
  test("random patterns, as SCAN's MATCH", async () => {
    const random = new Random("glob");
    const pieces = ["*", "?", "[", "]", "^", "-", "\\", "a", "b", "c", "\xff", "\x80", "[a-c]", "[^b]"];
    const some = (from: readonly string[], most: number) =>
      Array.from({ length: random.below(most + 1) }, () => random.pick(from)).join("");
    const texts = Array.from({ length: 60 }, () => some(["a", "b", "c", "-", "^", "]", "\\", "\xff", "\x80"], 5));
    const patterns = Array.from({ length: 1500 }, () => some(pieces, 7)).filter((pattern) => pattern !== "*");
    const server = redis();
    await server.call([
      ["DEL", "s"],
      ["SADD", "s", "not an integer", ...texts],
    ]);
    const replies = await server.call(
      patterns.map((pattern) => ["SSCAN", "s", "0", "COUNT", "1000", "MATCH", pattern]),
    );
    const all = [...new Set([...texts, "not an integer"])];
    for (const [i, pattern] of patterns.entries()) {
      const [, found] = replies[i] as [string, string[]];
      const ours = all.filter((text) => globMatchesText(pattern, text));
      expect({ pattern, found: ours.sort() }).toEqual({ pattern, found: found.sort() });
    }
  });
});
