import {
  type Comparison,
  type ComparisonOptions,
  compare,
  comparisonTable,
  type Sample,
  type Side,
} from "../src/index.js";

const options: ComparisonOptions = {
  connections: [1, 16],
  rounds: 2,
  seconds: 0.1,
  size: 64,
  kinds: [],
  seed: 7,
  realtime: false,
  json: undefined,
  svg: undefined,
};

/** A side that measures the same each time, and remembers for how many connections, and whether it was stopped. */
function side(name: string, kind: string, sample: Sample, busy = false) {
  const seen: number[] = [];
  const made = {
    name,
    kind,
    busy,
    seen,
    stopped: 0,
    measure: async ({ connections }: { connections: number }) => {
      seen.push(connections);
      return sample;
    },
    stop: async () => void made.stopped++,
  };
  return made satisfies Side & { seen: number[]; stopped: number };
}

const kernel = () => [
  side("busy", "kernel", { p50: 10, p99: 20, reqPerSec: 100, cpuPerRequest: 8 }, true),
  side("idle", "kernel", { p50: 40, p99: 60, reqPerSec: 50, cpuPerRequest: 4 }),
];

test("every side in every round, ratios to the kernel's, and what a side does not have is left out", async () => {
  const ours = side("ours", "pair", { p50: 5, p99: 9, reqPerSec: 200, cpuPerRequest: 2 });
  const port = side("port", "port", { p50: 1, p99: 2 });
  const sides = [...kernel(), ours];
  const rows = await compare({ sides: (connections) => (connections === 1 ? [...sides, port] : sides) }, options);
  expect(rows.map(({ name, connections }) => `${name} ${connections}`)).toEqual([
    "busy 1",
    "idle 1",
    "ours 1",
    "port 1",
    "busy 16",
    "idle 16",
    "ours 16",
  ]);
  expect(ours.seen).toEqual([1, 1, 16, 16]);
  expect([...sides, port].map(({ stopped }) => stopped)).toEqual([1, 1, 1, 1]);
  const [, , first, bare] = rows;
  expect(first).toMatchObject({
    p50: { median: 5, samples: [5, 5] },
    p50ToBusyKernel: { median: 0.5 },
    p50ToBestKernel: { median: 0.5 },
    cpuToBestKernel: { median: 0.5 },
  });
  expect(bare).toMatchObject({ reqPerSec: undefined, cpuPerRequest: undefined, cpuToBestKernel: undefined });
  expect(comparisonTable(rows)).toMatch(/port .*1\.00/);
});

test("a comparison's own ratios are columns of its table", async () => {
  const sides = [...kernel(), side("bare", "bare", { p50: 4, p99: 5, reqPerSec: 1, cpuPerRequest: 1 })];
  const ratios: Comparison<Side>["ratios"] = (one, all, series) => {
    if (one.kind !== "bare") return {};
    return { toIdle: [series(one, "p50") ?? [], series(all[1] as Side, "p50") ?? []] };
  };
  const rows = await compare({ sides: () => sides, ratios }, { ...options, connections: [1] });
  expect(rows.map((row) => row.ratios.toIdle?.median)).toEqual([undefined, undefined, 0.1]);
  expect(comparisonTable(rows, { "/ idle": "toIdle" })).toMatch(/\/ idle/);
});

test("a side that fails ends the comparison, and all are stopped", async () => {
  const sides = kernel();
  sides.push({ ...side("broken", "pair", {}), measure: () => Promise.reject(new Error("gone")) });
  await expect(compare({ sides: () => sides }, options)).rejects.toThrow("gone");
  expect(sides[0]?.stopped).toBe(1);
});
