/** What a server did, and how it ends: with every connection closed and every token completed. */
import { type AcceptCompletion, type LibOS, Opcode, type QueueDescriptor } from "@demikernel/core";

/** Counters of a server, and the connections it holds open. */
export class Served {
  readonly connections = new Set<QueueDescriptor>();
  accepted = 0;
  messages = 0;
  bytes = 0;
  private readonly cpu = process.cpuUsage();

  /** User and system time of the process since this object was made, in seconds. */
  cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.cpu);
    return (user + system) / 1e6;
  }
}

/** An accept has ended: its connection is read from, and the next one is waited for. */
export function serveNext(
  os: LibOS,
  listener: QueueDescriptor,
  served: Served,
  { result, newQd }: AcceptCompletion,
): void {
  if (result < 0) {
    // Out of descriptors, most likely: who waits in the backlog is accepted when others have gone.
    setTimeout(() => os.closed || os.accept(listener), 100).unref();
    return;
  }
  served.connections.add(newQd);
  served.accepted++;
  os.pop(newQd);
  os.accept(listener);
}

/** What was still held when a libOS was asked to end. All zero after a clean end. */
export interface Leftover {
  queues: number;
  outstanding: number;
}

/** Most milliseconds the last completions may take: a device that does not answer must not keep the process. */
const LAST_COMPLETIONS = 500;

/**
 * Closes `queues`, waits until every token has completed (bounded by half a second), releases the libOS and says what was left
 * over. The run loop must have ended before.
 */
export function closeAll(os: LibOS, queues: Iterable<QueueDescriptor>): Leftover {
  for (const qd of queues) os.close(qd);
  const deadline = performance.now() + LAST_COMPLETIONS;
  do {
    os.turn((event) => {
      if (event.opcode === Opcode.POP && event.sga !== 0) os.free(event.sga);
      if (event.opcode === Opcode.ACCEPT && event.result >= 0) os.close(event.newQd);
    }, 1);
  } while (os.stats().outstanding > 0 && performance.now() < deadline);
  const { queues: open, outstanding } = os.stats();
  os.destroy();
  return { queues: open, outstanding };
}
