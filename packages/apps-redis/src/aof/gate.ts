/**
 * Replies that wait until what they tell of is on the disk (appendfsync always), or with the system, which keeps it when the server is killed. They
 * lie in the arena, ready to go, in the order in which they were written. Whoever reads what is not there yet waits, too: nobody learns what a crash
 * would take back.
 */

/** Something that is ready to be sent. */
export interface Sendable {
  /** It may go now; whoever it is for may be gone. */
  release(): void;
}

interface Held {
  item: Sendable;
  position: number;
}

export class Gate {
  /** What is sent now waits until {@link open} has come to `position`. */
  isClosed = false;
  private position = 0;
  private readonly held: Held[] = [];
  private first = 0;

  /** From now on what is sent waits for `position`. */
  close(position: number): void {
    this.isClosed = true;
    this.position = position;
  }

  hold(item: Sendable): void {
    this.held.push({ item, position: this.position });
  }

  /** All up to `position` may go. */
  open(position: number): void {
    const { held } = this;
    while (this.first < held.length && held[this.first].position <= position) {
      held[this.first++].item.release();
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
