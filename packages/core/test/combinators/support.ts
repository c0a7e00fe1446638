/** What the tests of the combinators share: a libOS of memory queues for each test, which must give back what it took. */
import type { DemiError } from "../../src/errors.js";
import { openLibOS } from "../../src/open.js";
import {
  type Completion,
  type LibOS,
  Opcode,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "../../src/types.js";

export let os: LibOS;
// Jest gives tests a separate process object, which never emits "warning".
const { emitWarning } = process;
export let warnings: unknown[][];

beforeEach(async () => {
  os = await openLibOS({ libos: "memory", tokens: 1024, arena: [{ size: 256, count: 2048 }] });
  warnings = [];
  process.emitWarning = (...args: unknown[]) => void warnings.push(args);
});

// Every test gives back what it took: nothing outstanding, nothing open, no memory held.
afterEach(() => {
  process.emitWarning = emitWarning;
  if (os.closed) return;
  // What a closed queue had going completes in the next turn.
  for (let i = 0; i < 3; i++) os.turn(() => {});
  const { outstanding, queues, appSlots, deviceSlots, invalidEntries } = os.stats();
  os.destroy();
  expect({ outstanding, queues, appSlots, deviceSlots, invalidEntries }).toEqual({
    outstanding: 0,
    queues: 0,
    appSlots: 0,
    deviceSlots: 0,
    invalidEntries: 0,
  });
});

export const number = (sga: Sga) => Number(os.sga.copy(sga).toString());
export const byNumber = (a: Sga, b: Sga) => number(a) - number(b);

export function push(qd: QueueDescriptor, ...values: (number | string)[]): void {
  for (const value of values)
    expect(os.wait(os.push(qd, os.sga.from(`${value}`), PushFlag.FREE), 1000).result).toBe(`${value}`.length);
}

/** The text a completed pop brought, or its result when it brought nothing. */
export function text(done: Completion): string | number {
  const { result } = done;
  if (done.opcode !== Opcode.POP || done.sga === 0) return result;
  const { sga } = done;
  const value = os.sga.copy(sga).toString();
  expect(result).toBe(value.length);
  os.free(sga);
  return value;
}

export const pop = (qd: QueueDescriptor, limit?: number) => text(os.wait(os.pop(qd, limit), 1000));
export const pops = (qd: QueueDescriptor, count: number) => Array.from({ length: count }, () => pop(qd));
export const pending = (qt: QueueToken) => os.poll(qt) === undefined && os.poll(qt) === undefined;

export function close(...qds: QueueDescriptor[]): void {
  for (const qd of qds) os.close(qd);
}

export function code(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    return (error as DemiError).code;
  }
  return undefined;
}
