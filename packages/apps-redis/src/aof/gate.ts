/**
 * Replies that wait until what they tell of is on the disk (appendfsync always): they lie in the arena, ready to go, in the order in which they
 * were written. Whoever reads what is not on the disk yet waits, too: nobody learns what a crash would take back.
 */
import { type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";

/** Of whom a reply is. */
export interface Gated {
  /** Nothing can be sent to it any more. */
  readonly isBroken: boolean;
}

interface Held {
  output: Gated;
  qd: QueueDescriptor;
  sga: Sga;
  position: number;
}

export class Gate {
  /** What is sent now waits until {@link open} has come to `position`. */
  isClosed = false;
  private position = 0;
  private readonly held: Held[] = [];
  private first = 0;

  constructor(private readonly os: LibOS) {}

  /** From now on what is sent waits for `position`. */
  close(position: number): void {
    this.isClosed = true;
    this.position = position;
  }

  hold(output: Gated, qd: QueueDescriptor, sga: Sga): void {
    this.held.push({ output, qd, sga, position: this.position });
  }

  /** All up to `position` may go. */
  open(position: number): void {
    const { held } = this;
    while (this.first < held.length && held[this.first].position <= position) {
      const { output, qd, sga } = held[this.first++];
      if (output.isBroken) this.os.free(sga);
      else this.os.push(qd, sga, PushFlag.FREE);
    }
    if (this.first === held.length) {
      this.first = held.length = 0;
    } else if (this.first > 1024 && this.first * 2 > held.length) {
      held.splice(0, this.first);
      this.first = 0;
    }
    if (position >= this.position) this.isClosed = false;
  }
}
