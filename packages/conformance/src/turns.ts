/** Waiting for things without blocking the thread: node:net peers of a case live on the same event loop. */
import assert from "node:assert/strict";
import {
  type Completion,
  type CompletionOf,
  type LibOS,
  Opcode,
  type PopCompletion,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "@demikernel/core";
import type { CaseContext } from "./case.js";

/** Milliseconds, times the target's `timeScale`, that a device has to let go of the memory of closed queues. */
export const IDLE_LIMIT = 1500;

/** One turn of Node's event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Turns until the condition holds; fails at the deadline, naming what was waited for. With a libOS of which nothing is outstanding
 * that one goes on meanwhile: a stack in this process moves only while it is polled.
 */
export async function until(
  context: CaseContext,
  what: string,
  condition: () => boolean,
  goesOn?: LibOS,
): Promise<void> {
  while (!condition()) {
    context.check(what);
    goesOn?.turn(() => assert.fail("a completion nobody expected"));
    await turn();
  }
}

/** The completion of a token. */
export async function completion<T extends QueueToken>(
  context: CaseContext,
  os: LibOS,
  qt: T,
): Promise<CompletionOf<T>> {
  if (context.target.waits === "loop") return os.async.wait(qt);
  for (;;) {
    const done = os.poll(qt);
    if (done !== undefined) return done;
    context.check(`token ${qt}`);
    await turn();
  }
}

/** The next `count` completions, whatever their tokens, in the order the libOS hands them out. */
export async function collect(context: CaseContext, os: LibOS, count: number): Promise<Completion[]> {
  const events: Completion[] = [];
  if (context.target.waits === "loop" && count > 0) {
    await os.run((event) => {
      if (events.push(snapshot(event)) === count) os.stop();
    });
  }
  while (events.length < count) {
    os.turn((event) => events.push(snapshot(event)));
    if (events.length >= count) break;
    context.check(`${count} completions, ${events.length} so far`);
    await turn();
  }
  return events;
}

/** What the reused view of turn() and run() shows now. */
export function snapshot(event: Completion): Completion {
  const { opcode, qd, qt, result } = event;
  return { opcode, qd, qt, result, sga: sgaOf(event), newQd: newQdOf(event) } as Completion;
}

/** What a pop brought; 0 for any other completion. */
export function sgaOf(event: Completion): Sga {
  return event.opcode === Opcode.POP ? event.sga : (0 as Sga);
}

/** What an accept brought; 0 for any other completion. */
export function newQdOf(event: Completion): QueueDescriptor {
  return event.opcode === Opcode.ACCEPT ? event.newQd : (0 as QueueDescriptor);
}

/** Pops once; the completion, whose sga is the caller's. */
export function popOnce(context: CaseContext, os: LibOS, qd: QueueDescriptor, limit = 0): Promise<PopCompletion> {
  return completion(context, os, os.pop(qd, limit));
}

/** The bytes of an sga, which is freed. */
export function take(os: LibOS, sga: Sga): Buffer {
  const bytes = os.sga.copy(sga);
  os.free(sga);
  return bytes;
}

/** Pops one message and returns its bytes. */
export async function popMessage(context: CaseContext, os: LibOS, qd: QueueDescriptor): Promise<Buffer> {
  const done = await popOnce(context, os, qd);
  assert.ok(done.result > 0, `pop ended with ${done.result}`);
  assert.equal(os.sga.length(done.sga), done.result, "the result is the length of the sga");
  return take(os, done.sga);
}

/** Pops until `length` bytes have come; exactly that many. */
export async function popBytes(context: CaseContext, os: LibOS, qd: QueueDescriptor, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let have = 0;
  while (have < length) {
    const part = await popMessage(context, os, qd);
    parts.push(part);
    have += part.length;
  }
  assert.equal(have, length, "bytes popped");
  return Buffer.concat(parts);
}

/** Pushes a copy of the data, which the libOS frees; how many bytes went. */
export async function pushBytes(
  context: CaseContext,
  os: LibOS,
  qd: QueueDescriptor,
  data: Uint8Array | string,
): Promise<number> {
  const done = await completion(context, os, os.push(qd, os.sga.from(data), PushFlag.FREE));
  assert.ok(done.result > 0, `push ended with ${done.result}`);
  return done.result;
}

/** Closes what a case still has at its end; what is outstanding ends by that, and what it brought is given back. */
export async function closeAll(context: CaseContext, os: LibOS, queues: readonly QueueDescriptor[]): Promise<void> {
  for (const qd of queues) os.close(qd);
  while (os.stats().outstanding > 0) {
    os.turn((event) => {
      if (sgaOf(event) !== 0) os.free(sgaOf(event));
      if (newQdOf(event) !== 0) os.close(newQdOf(event));
    });
    context.check("what was pending to end");
    await turn();
  }
}

/** What a libOS holds; all of it 0 when it has nothing to do. */
export function heldBy(os: LibOS) {
  const { outstanding, queues, appSlots, deviceSlots } = os.stats();
  return { outstanding, queues, appSlots, deviceSlots };
}

/** Everything closed and freed leaves nothing behind. The device may need some turns to let go of memory. */
export async function assertIdle(context: CaseContext, os: LibOS): Promise<void> {
  const none = { outstanding: 0, queues: 0, appSlots: 0, deviceSlots: 0 };
  const deadline = performance.now() + Math.min(context.scaled(IDLE_LIMIT), context.remaining());
  while (Object.values(heldBy(os)).some((value) => value !== 0) && performance.now() < deadline) {
    os.turn(() => assert.fail("a completion nobody expected"));
    await turn();
  }
  assert.deepEqual(heldBy(os), none, "held after everything was closed and freed");
}
