/**
 * One suite of cases for node:net and for ours, with the same expectations: each case has to pass with both, and what it says (events in their order,
 * errors with their texts) has to be the same. Who doubts a case sees Node pass it.
 */
import { allCases } from "./cases.mjs";
import { type Results, run } from "./results.js";
import { REASONS, SUBJECTS } from "./subject.mjs";

const NODE = "node:net";
const cases = await allCases();
const results = new Map<string, Results>();

beforeAll(async () => {
  for (const subject of Object.keys(SUBJECTS)) results.set(subject, await run(subject));
}, 120_000);

test("there are many cases, and each has a name of its own", () => {
  expect(cases.length).toBeGreaterThan(150);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

for (const [subject, { lacks }] of Object.entries(SUBJECTS)) {
  describe(subject, () => {
    test("the runner ends well", () => {
      expect(results.get(subject)?.exit).toEqual({ code: 0, signal: null, stderr: "" });
    });
    for (const { name, needs } of cases) {
      const lacking = needs.find((need) => lacks.includes(need));
      if (lacking !== undefined) {
        console.warn(`SKIP: ${subject}: ${name}: ${REASONS[lacking]}`);
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
  });
}
