/**
 * The guest's tests as named cases: each is run within its time and gets a line with how long it took; the last line is
 * "NAME: N passed, N failed, N skipped". What is random comes from DEMI_SEED, or from a fresh seed, which is printed.
 */
import { count, report } from "../../scripts/test/report.mjs";

const given = Number(process.env.DEMI_SEED);
export const seed = Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 0x7fffffff) + 1;

/** Numbers of [0, 1) that a seed determines (mulberry32). */
export function generator(from = seed) {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let n = Math.imul(state ^ (state >>> 15), state | 1);
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Runs the cases, by name, and ends the process. A case may return what is to stand behind its name. `limit`: milliseconds of each;
 * `after` is called behind each, whatever became of it. Words on the command line choose the cases whose names contain one of them.
 */
export async function runCases(name, cases, { limit, after }) {
  console.log(`${name}: seed ${seed}`);
  const words = process.argv.slice(2);
  const tests = [];
  for (const [title, run] of Object.entries(cases)) {
    if (words.length > 0 && !words.some((word) => title.includes(word))) continue;
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    const shown = () => seconds().toFixed(1).padStart(6);
    try {
      const more = await inTime(run, limit);
      tests.push({ name: title, status: "passed", seconds: seconds() });
      console.log(`ok      ${shown()} s  ${title}${more === undefined ? "" : ` (${more})`}`);
    } catch (error) {
      const reason = `${error?.stack ?? error}\n  (DEMI_SEED=${seed})`;
      tests.push({ name: title, status: "failed", reason, seconds: seconds() });
      console.log(`FAILED  ${shown()} s  ${title}\n${reason}`);
    }
    await after();
  }
  report(tests);
  const { passed, failed } = count(tests);
  console.log(`${name}: ${passed} passed, ${failed} failed, 0 skipped`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

async function inTime(run, limit) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
