/**
 * When a batch of commands goes down to a disk that replies wait for. Clients whose replies were just sent come back soon: on a slow disk it pays to
 * wait for them, as what comes too late for a batch waits for all of it (group commit: Gawlick and Kinkade, "Varieties of Concurrency Control in
 * IMS/VS Fast Path", 1985). A fast disk is given the next batch before it is done with one.
 */

/** Milliseconds: of a disk that is fast, and for which the next batch waits at most; and of the time that a batch takes. */
const FAST = 0.15;
const LONGEST_WAIT = 2;
const SHARE = 1 / 4;
/** Of the clients that are waited for. */
const MOST_OF_THEM = 0.9;
/** What the newest batch weighs in how long they take. */
const WEIGHT = 1 / 8;

interface Batch {
  commands: number;
  at: number;
}

export class Pace {
  /** Milliseconds that a batch takes, of late. */
  private takes = 0;
  /** Commands so far, and up to the last batch. */
  private told = 0;
  private pushed = 0;
  private readonly underWay: Batch[] = [];
  /** Commands that may come back by `deadline`, and how many there had been. */
  private expected = 0;
  private before = 0;
  private deadline = 0;

  /** `clock`: milliseconds that only grow. */
  constructor(private readonly clock: () => number) {}

  command(): void {
    this.told++;
  }

  /** Commands have gone down. */
  begun(): void {
    this.underWay.push({ commands: this.told - this.pushed, at: this.clock() });
    this.pushed = this.told;
  }

  /** What went down first is on the disk. */
  ended(): void {
    const batch = this.underWay.shift();
    if (batch === undefined) return;
    const now = this.clock();
    this.takes += (now - batch.at - this.takes) * WEIGHT;
    this.expected = batch.commands;
    this.before = this.told;
    this.deadline = now + Math.min(this.takes * SHARE, LONGEST_WAIT);
  }

  forget(): void {
    this.underWay.length = 0;
    this.expected = 0;
  }

  /** Whether what there is goes down now. `most`: batches on their way that the disk takes. */
  isReady(most: number): boolean {
    const { length } = this.underWay;
    if (length !== 0) return length < most && this.takes < FAST;
    return this.told - this.before >= this.expected * MOST_OF_THEM || this.clock() >= this.deadline;
  }
}
