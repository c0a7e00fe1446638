/**
 * One suite of cases for node:net and for ours, with the same expectations: each case has to pass with both, and what it says (events in their order,
 * errors with their texts) has to be the same. Who doubts a case sees Node pass it.
 */
import { existsSync } from "node:fs";
import { allCases, LEFT_OVER } from "./cases.mjs";
import { type Results, run } from "./results.js";
import { REASONS, SUBJECTS } from "./subject.mjs";

const NODE = "node:net";
const cases = await allCases();
const results = new Map<string, Results>();

const CI = process.env.CI === "true";
const isBuilt = (subject: string): boolean => {
  const { addon } = SUBJECTS[subject];
  return addon === undefined || existsSync(addon) || CI;
};

beforeAll(async () => {
  const waiting = Object.keys(SUBJECTS).filter(isBuilt);
  const inTurn = async () => {
    for (let subject = waiting.shift(); subject !== undefined; subject = waiting.shift())
      results.set(subject, await run(subject));
  };
  // They mostly wait.
  await Promise.all([inTurn(), inTurn()]);
}, 300_000);

test("there are many cases, and each has a name of its own", () => {
  expect(cases.length).toBeGreaterThan(150);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

for (const [subject, { lacks }] of Object.entries(SUBJECTS)) {
  if (!isBuilt(subject)) {
    const reason = "its addon is not built here";
    console.warn(`SKIP: ${subject}: ${reason}`);
    test.skip(`${subject} (${reason})`, () => {});
    continue;
  }
  describe(subject, () => {
    test("the runner ends well", () => {
      expect(results.get(subject)?.exit).toEqual({ code: 0, signal: null, stderr: "" });
    });
    if (subject !== NODE) {
      test("all queues and memory are given back", () => {
        const { status, error } = results.get(subject)?.byName.get(LEFT_OVER) ?? {
          status: "not run",
          error: undefined,
        };
        expect({ status, error }).toEqual({ status: "passed", error: undefined });
      });
    }
    const skipped: string[] = [];
    for (const { name, needs } of cases) {
      const lacking = needs.find((need) => lacks.includes(need));
      if (lacking !== undefined) {
        skipped.push(`  ${name}: ${REASONS[lacking]}`);
        test.skip(`${name} (${REASONS[lacking]})`, () => {});
        continue;
      }
      test(name, () => {
        const { status, error, result } = results.get(subject)?.byName.get(name) ?? {
          status: "not run",
          error: undefined,
          result: undefined,
        };
        expect({ status, error }).toEqual({ status: "passed", error: undefined });
        if (subject !== NODE) expect(result).toEqual(results.get(NODE)?.byName.get(name)?.result);
      });
    }
    if (skipped.length > 0) console.warn(`SKIP: ${subject}:\n${skipped.join("\n")}`);
  });
}
