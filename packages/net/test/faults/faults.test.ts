/** Crowds, peers that misbehave, memory that runs out, destroy() anywhere: each case over our sockets, most also over node:net. */
import { fileURLToPath } from "node:url";
import { type Ended, type Line, linesOf } from "../case-lines.js";

const RUN = fileURLToPath(new URL("run.mjs", import.meta.url));
const LIMIT = 90_000;
/** More than a process has as a rule: two of them have 10,000 connections. */
const DESCRIPTORS = 19_000;

function run(program: string, mode: string): Promise<Ended> {
  // Where so many are not allowed, it says so by itself.
  const start = `ulimit -n ${DESCRIPTORS} 2>/dev/null; exec "$0" --expose-gc "$1" "$2" "$3"`;
  return linesOf("sh", ["-c", start, process.execPath, RUN, program, mode], LIMIT - 2000);
}

/** How many cases there are each way. */
const PROGRAMS: [name: string, ways: { node?: number; ours: number }][] = [
  ["crowd", { ours: 1 }],
  ["churn", { node: 4, ours: 4 }],
  ["small-arena", { node: 4, ours: 4 }],
  ["few-queues", { node: 2, ours: 2 }],
  ["few-tokens", { ours: 2 }],
  ["destroy", { node: 21, ours: 22 }],
  ["unread", { node: 3, ours: 3 }],
  ["peers", { node: 13, ours: 13 }],
];

for (const [program, ways] of PROGRAMS) {
  test.each(Object.entries(ways))(
    `${program}: %s`,
    async (mode, cases) => {
      const { code, signal, lines, errors } = await run(program, mode);
      const bad = lines.filter(({ error, left }) => error !== undefined || left?.length !== 0);
      expect({ bad, errors, code, signal }).toEqual({ bad: [], errors: "", code: 0, signal: null });
      const last = lines.pop() as Line;
      expect([lines.length, last.last]).toEqual([cases, true]);
      // It went through the libOS, and with node:net through none.
      if (mode === "node") expect(last.operations).toBe(0);
      else if (lines.every(({ skipped }) => skipped === undefined)) expect(last.operations).toBeGreaterThan(100);
      for (const { name, skipped, bytes, resident, ms } of lines) {
        if (skipped !== undefined) console.warn(`SKIP: ${name}: ${skipped}`);
        else if (bytes !== undefined)
          console.info(`${name}: ${bytes} B of heap each, ${resident} B resident, ${ms} ms`);
      }
    },
    LIMIT,
  );
}
