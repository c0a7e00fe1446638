/** One connection of the echo client: a closed loop with one message under way. */
import type { QueueDescriptor } from "@demikernel/core";

/** Datagrams a connection remembers: one that comes again, or after it was given up, is late and not wrong. */
const REMEMBERED = 64;

export class Connection {
  connected = false;
  /** It has sent its last message and said so; the other side's end is all that may come. */
  ending = false;
  /** A pop is outstanding. */
  popping = false;
  /** The message under way, or -1. */
  message = -1;
  /** Bytes of it that have come back. */
  received = 0;
  /** When it was sent, or the connection begun: performance.now(), milliseconds. */
  since = performance.now();
  /** Since when it waits for memory for its next message: performance.now(), or 0. */
  starvedSince = 0;
  private readonly past = new Int32Array(REMEMBERED).fill(-1);
  private pastCount = 0;

  constructor(readonly qd: QueueDescriptor) {}

  begin(message: number, now: number): void {
    this.message = message;
    this.received = 0;
    this.starvedSince = 0;
    this.since = now;
  }

  /** The message came back, or is given up. */
  end(): void {
    this.past[this.pastCount++ % REMEMBERED] = this.message;
    this.message = -1;
  }

  /** True when `matches` holds for a message that has ended. */
  hadBefore(matches: (message: number) => boolean): boolean {
    return this.past.some((message) => message >= 0 && matches(message));
  }
}
