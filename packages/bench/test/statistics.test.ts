import { atLeast, atMost, goalLine } from "../src/goals.js";
import { seededRandom, shuffled } from "../src/random.js";
import { interleave } from "../src/rounds.js";
import { bestPerRound, median, pairedRatios, quantile, quartiles } from "../src/statistics.js";
import { figure, spread, table } from "../src/table.js";

describe("quantiles", () => {
  test("interpolate between neighbours, in any order of values", () => {
    expect(quartiles([4, 1, 3, 2, 5])).toEqual({ q1: 2, median: 3, q3: 4 });
    expect(quartiles([1, 2, 3, 4])).toEqual({ q1: 1.75, median: 2.5, q3: 3.25 });
    expect(median([7])).toBe(7);
    expect(quantile([10, 20], 0)).toBe(10);
    expect(quantile([10, 20], 1)).toBe(20);
  });

  test("sort numbers as numbers", () => {
    expect(median([9, 10, 100])).toBe(10);
  });

  test("leave their argument as it was", () => {
    const values = [3, 1, 2];
    quartiles(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("refuse what has no answer", () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => median([1, Number.NaN])).toThrow(RangeError);
    expect(() => quantile([1], 1.5)).toThrow(RangeError);
  });
});

describe("paired ratios", () => {
  test("divide within a round, so a slow round does not count", () => {
    const ours = [1, 10, 2];
    const theirs = [2, 20, 4];
    expect(pairedRatios(ours, theirs)).toEqual([0.5, 0.5, 0.5]);
    expect(quartiles(pairedRatios(ours, theirs))).toEqual({ q1: 0.5, median: 0.5, q3: 0.5 });
  });

  test("refuse lists that are no pairs", () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(RangeError);
    expect(() => pairedRatios([1], [0])).toThrow(RangeError);
  });

  test("the best competitor is chosen anew in each round", () => {
    expect(
      bestPerRound([
        [3, 1, 5],
        [2, 4, 6],
      ]),
    ).toEqual([2, 1, 5]);
    expect(() => bestPerRound([])).toThrow(RangeError);
    expect(() => bestPerRound([[1], [1, 2]])).toThrow(RangeError);
  });
});

describe("interleaved rounds", () => {
  const order = async (seed: number): Promise<string[]> => {
    const ran: string[] = [];
    const candidates = ["a", "b", "c", "d"].map((name) => ({
      name,
      measure: (round: number) => ran.push(name + round),
    }));
    await interleave(candidates, { rounds: 6, seed });
    return ran;
  };

  test("run every candidate once a round, in an order the seed decides", async () => {
    const first = await order(1);
    expect(await order(1)).toEqual(first);
    expect(await order(2)).not.toEqual(first);
    const rounds = [0, 1, 2, 3, 4, 5].map((round) => first.slice(round * 4, round * 4 + 4));
    for (const [round, ran] of rounds.entries())
      expect([...ran].sort()).toEqual(["a", "b", "c", "d"].map((n) => n + round));
    expect(new Set(rounds.map((ran) => ran.map((name) => name[0]).join(""))).size).toBeGreaterThan(1);
  });

  test("keep the samples of one round at one index", async () => {
    const candidate = (name: string, factor: number) => ({ name, measure: async (round: number) => round * factor });
    const { samples } = await interleave([candidate("x", 1), candidate("y", 10)], { rounds: 3, seed: 5 });
    expect(samples.get("x")).toEqual([0, 1, 2]);
    expect(samples.get("y")).toEqual([0, 10, 20]);
  });

  test("end with the first failure", async () => {
    const failing = { name: "z", measure: () => Promise.reject(new Error("server died")) };
    await expect(interleave([failing], { rounds: 2 })).rejects.toThrow("server died");
    await expect(interleave([failing, failing], { rounds: 2 })).rejects.toThrow(RangeError);
    await expect(interleave([failing], { rounds: 0 })).rejects.toThrow(RangeError);
  });
});

test("seeded numbers are even enough for orders", () => {
  const random = seededRandom(42);
  const firsts = new Map<number, number>();
  for (let run = 0; run < 4000; run++) {
    const [first] = shuffled([0, 1, 2, 3], random);
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  for (const count of firsts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  expect(firsts.size).toBe(4);
});

describe("tables", () => {
  test("figures carry three digits", () => {
    expect([0.01234, 1.234, 12.34, 123.4, 12345, 0, -1.234].map(figure)).toEqual([
      "0.0123",
      "1.23",
      "12.3",
      "123",
      "12345",
      "0",
      "-1.23",
    ]);
    expect(spread({ q1: 1, median: 2, q3: 3 })).toBe("2.00 [1.00-3.00]");
  });

  test("lines are of one length and hold every cell", () => {
    const text = table(
      ["name", "value"],
      [
        ["epoll", "4.87"],
        ["io_uring", "12345"],
      ],
    );
    const lines = text.split("\n");
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    for (const cell of ["name", "value", "epoll", "4.87", "io_uring", "12345"]) expect(text).toContain(cell);
    expect(text).not.toContain("\x1b");
  });
});

test("goals are met up to and including their limit", () => {
  expect(goalLine(atMost("ratio", 1.1, 1.1))).toBe("PASS  ratio: 1.10 (goal: at most 1.1)");
  expect(goalLine(atMost("ratio", 1.11, 1.1))).toBe("MISS  ratio: 1.11 (goal: at most 1.1)");
  expect(goalLine(atLeast("rate", 1.3, 1.3, "M/s"))).toBe("PASS  rate: 1.30 M/s (goal: at least 1.3)");
  expect(goalLine(atLeast("rate", 1.2, 1.3, "M/s"))).toBe("MISS  rate: 1.20 M/s (goal: at least 1.3)");
  expect(atMost("nothing", Number.NaN, 1).pass).toBe(false);
});
