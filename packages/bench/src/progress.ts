/** Says on stderr how far a benchmark is: one line rewritten on a terminal, a line now and then elsewhere. */

/** Elsewhere than on a terminal, milliseconds between two lines. */
const quietPeriod = 5000;

export interface ProgressStream {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #total: number;
  readonly #stream: ProgressStream;
  readonly #started = Date.now();
  #step = 0;
  #lastLine = Number.NEGATIVE_INFINITY;

  /** `total`: steps to come. */
  constructor(total: number, stream: ProgressStream = process.stderr) {
    this.#total = total;
    this.#stream = stream;
  }

  /** Begins the next step. */
  step(label: string): void {
    const percent = Math.floor((100 * this.#step) / this.#total);
    this.#step++;
    const seconds = Math.round((Date.now() - this.#started) / 1000);
    const line = `${String(percent).padStart(3)}% ${this.#step}/${this.#total} ${seconds} s  ${label}`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[K${line.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    } else if (Date.now() - this.#lastLine >= quietPeriod) {
      this.#lastLine = Date.now();
      this.#stream.write(`${line}\n`);
    }
  }

  /** Clears the line. */
  done(): void {
    if (this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}
