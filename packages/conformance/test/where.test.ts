import { type ConformanceTarget, declareWhere, type Harness, whyNotOpen } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as memory } from "./memory-target.mjs";

const { CI } = process.env;
afterEach(() => {
  if (CI === undefined) delete process.env.CI;
  else process.env.CI = CI;
});

/** What is declared where there is a reason not to: names by kind, and how each test ends. */
function declared(reason: string | undefined) {
  const tests: [string, () => Promise<void>][] = [];
  const skipped: string[] = [];
  const harness: Harness = {
    describe: (_, body) => body(),
    it: (name, body) => void tests.push([name, body]),
    skip: (name) => void skipped.push(name),
    after: () => undefined,
  };
  let bodies = 0;
  declareWhere("the suite", reason, () => void bodies++, harness);
  return { tests, skipped, bodies };
}

test("without a reason the tests are declared", () => {
  expect(declared(undefined)).toEqual({ tests: [], skipped: [], bodies: 1 });
});

test("with one they are skipped, and the name says why", () => {
  delete process.env.CI;
  expect(declared("no device")).toEqual({ tests: [], skipped: ["the suite (no device)"], bodies: 0 });
});

test("with CI=true they fail with the reason", async () => {
  process.env.CI = "true";
  const { tests, skipped, bodies } = declared("no device");
  expect([skipped, bodies, tests.length]).toEqual([[], 0, 1]);
  await expect(tests[0]?.[1]()).rejects.toThrow("no device");
});

test("why a target does not open", async () => {
  expect(await whyNotOpen(memory as ConformanceTarget)).toBeUndefined();
  const broken = { ...(memory as ConformanceTarget), open: () => Promise.reject(new Error("no ring")) };
  expect(await whyNotOpen(broken)).toBe("no ring");
});
