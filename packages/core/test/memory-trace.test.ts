import { openLibOS } from "../src/index.js";

const arena = [
  { size: 64, count: 80 },
  { size: 4096, count: 8 },
];
/** This file, at some line. */
const here = (text: string) => new RegExp(`${text} at .*memory-trace\\.test\\.[jt]s:\\d+:\\d+`);

let warnings: string[];
/** What a libOS does from time to time. */
let look: () => void;
const { emitWarning } = process;
const { setInterval } = globalThis;

beforeEach(() => {
  warnings = [];
  process.emitWarning = ((text: string, { code }: { code: string }) => {
    expect(code).toBe("DEMI_MEMORY_HELD");
    warnings.push(text);
  }) as typeof process.emitWarning;
  globalThis.setInterval = ((call: () => void, milliseconds: number) => {
    look = call;
    return setInterval(call, milliseconds);
  }) as typeof setInterval;
});
afterEach(() => {
  process.emitWarning = emitWarning;
  globalThis.setInterval = setInterval;
});

test("what was never freed is named when the libOS is destroyed, with the lines it came from", async () => {
  const os = await openLibOS({ libos: "memory", traceMemory: true });
  const qd = os.queue();
  for (let i = 0; i < 3; i++) os.alloc(100);
  os.free(os.sga.from("freed"));
  // Each way for an application to get what it popped.
  for (let i = 0; i < 4; i++) os.push(qd, os.sga.from("x"), 1 | 2);
  os.wait(os.pop(qd));
  await os.async.pop(qd);
  os.pop(qd);
  os.turn(() => undefined);
  for await (const sga of os.async.messages(qd)) {
    os.push(qd, sga, 1 | 2);
    break;
  }
  os.destroy();
  expect(warnings).toHaveLength(1);
  const lines = warnings[0].split("\n");
  expect(lines[0]).toBe("memory: destroyed with memory that was never freed");
  expect(lines[1]).toMatch(/holds 6 sgas/);
  expect(lines[2]).toMatch(here("3 x alloc"));
  expect(lines.slice(3)).toHaveLength(3);
  for (const line of lines.slice(3)) expect(line).toMatch(here("1 x pop"));
});

test("nothing is said of a libOS that has everything back, nor without the option", async () => {
  const traced = await openLibOS({ libos: "memory", traceMemory: true });
  traced.free(traced.alloc([100, 200]));
  look();
  traced.destroy();
  const plain = await openLibOS({ libos: "memory" });
  plain.alloc(100);
  plain.destroy();
  expect(warnings).toEqual([]);
});

test("an alloc that finds no memory says who has it", async () => {
  const os = await openLibOS({ libos: "memory", traceMemory: true, arena });
  for (let i = 0; i < 7; i++) os.alloc(4000);
  os.sga.from(Buffer.alloc(4000));
  expect(() => os.alloc(4000)).toThrow(
    /ENOBUFS: alloc: the arena has no free slot that fits. The application holds 8 sgas; 7 x alloc at .*; 1 x/,
  );
  os.destroy();
});

test("a size that is nearly used up is told while it runs, once", async () => {
  const os = await openLibOS({ libos: "memory", traceMemory: true, arena });
  for (let i = 0; i < 7; i++) os.alloc(4000);
  look();
  expect(warnings[0]).toMatch(/^memory: 7 of 8 slots of 4096 bytes are the application's/);
  expect(warnings[0]).toMatch(here("7 x alloc"));
  os.alloc(4000);
  look();
  expect(warnings).toHaveLength(1);
  os.destroy();
});
