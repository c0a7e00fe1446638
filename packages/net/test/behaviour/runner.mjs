/**
 * Runs the cases against one subject, and prints a line of JSON for each: `node runner.mjs SUBJECT [part of a name]`. Several run at once, since
 * they mostly wait; those that touch what is everybody's run alone.
 */
import { allCases, LEFT_OVER } from "./cases.mjs";
import { Context } from "./context.mjs";
import { load, SUBJECTS } from "./subject.mjs";

const AT_ONCE = 6;
const LIMIT_MS = 20_000;
const [subject, part = ""] = process.argv.slice(2);

const { net, os } = await load(subject);
const { lacks, host } = SUBJECTS[subject];
const running = new Set();
process.on("uncaughtException", (error) => {
  for (const { fail } of running) fail(error);
});

async function runOne({ name, run, needs }) {
  const lacking = needs.find((need) => lacks.includes(need));
  if (lacking !== undefined) return print({ name, status: "skipped", reason: lacking });
  const t = new Context(net, subject);
  const start = performance.now();
  let timer;
  const entry = {};
  const limit = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not over after ${LIMIT_MS} ms; until then: ${JSON.stringify(t.record.parties)}`)),
      LIMIT_MS,
    );
    entry.fail = reject;
  });
  running.add(entry);
  let outcome;
  try {
    const result = await Promise.race([run(net, t), limit]);
    outcome = { status: "passed", result: result === undefined ? t.record.parties : result };
  } catch (error) {
    outcome = { status: "failed", error: String(error?.stack ?? error) };
  }
  running.delete(entry);
  clearTimeout(timer);
  await t.end();
  print({ name, ...outcome, ms: Math.round(performance.now() - start) });
}

/** Of addresses only that it is the server's is compared. */
function print(line) {
  const text = JSON.stringify(line);
  process.stdout.write(`${host === undefined ? text : text.replaceAll(host, "127.0.0.1")}\n`);
}

/** All queues and all memory have been given back: what is left is a case's result, too. */
async function leftOver() {
  if (os === undefined) return;
  const held = () => Object.fromEntries(["queues", "appSlots"].map((name) => [name, os.stats()[name]]));
  const deadline = performance.now() + LIMIT_MS;
  while (Object.values(held()).some((count) => count !== 0) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const isClean = Object.values(held()).every((count) => count === 0);
  print({ name: LEFT_OVER, ...(isClean ? { status: "passed" } : { status: "failed", error: JSON.stringify(held()) }) });
}

const wanted = (await allCases()).filter(({ name }) => name.includes(part));
const together = wanted.filter(({ alone }) => !alone);
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = together.shift(); next !== undefined; next = together.shift()) await runOne(next);
  }),
);
for (const each of wanted.filter(({ alone }) => alone)) await runOne(each);
await leftOver();
process.exit();
