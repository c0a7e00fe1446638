/** Says on a terminal's stderr what takes long: one line, rewritten. Elsewhere nothing. */

/** Milliseconds between two lines, and before the first. */
const PERIOD = 250;

export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #next: number;
  #shown = false;

  /** `now`: milliseconds of a clock. */
  constructor(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#next = now() + PERIOD;
  }

  /** What is being done; `line` is only called where it is shown. */
  say(line: () => string): void {
    if (!this.#stream.isTTY || this.#now() < this.#next) return;
    this.#next = this.#now() + PERIOD;
    this.#shown = true;
    this.#stream.write(`\r\x1b[K${line().slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  /** Clears the line. */
  done(): void {
    if (this.#shown) this.#stream.write("\r\x1b[K");
    this.#shown = false;
  }

  /** As `waiting` with the seconds it takes, until it has settled. */
  async during<T>(what: string, waiting: Promise<T>): Promise<T> {
    const started = this.#now();
    const line = () => `${what}, ${Math.round((this.#now() - started) / 1000)} s`;
    const timer = setInterval(() => this.say(line), PERIOD);
    try {
      return await waiting;
    } finally {
      clearInterval(timer);
      this.done();
    }
  }
}
