/** Counts whole replies of RESP2 in bytes as they come, without taking them apart. */

export class ReplyCounter {
  /** Replies that are errors. */
  errors = 0;
  /** Bytes of a bulk string, with its end, that are still to come. */
  private skip = 0;
  /** Of the aggregates that are open: items that are missing. */
  private readonly missing: number[] = [];
  private line = "";

  /** Replies that have become whole with these bytes. */
  count(bytes: Uint8Array, at: number, length: number): number {
    let whole = 0;
    for (const end = at + length; at < end; ) {
      if (this.skip > 0) {
        const some = Math.min(this.skip, end - at);
        this.skip -= some;
        at += some;
        if (this.skip === 0) whole += this.element();
        continue;
      }
      if (this.line === "" && bytes[at] === 36 && at + 6 < end) {
        // "$64\r\n": a bulk string whose head is there, as almost all are.
        let n = at + 1;
        let value = 0;
        while (n < end && bytes[n] >= 48 && bytes[n] <= 57) value = value * 10 + bytes[n++] - 48;
        if (n > at + 1 && n + 1 < end) {
          at = n + 2;
          this.skip = value + 2;
          continue;
        }
      }
      const feed = bytes.indexOf(10, at);
      const stop = feed < 0 || feed >= end ? end : feed + 1;
      for (; at < stop; at++) this.line += String.fromCharCode(bytes[at]);
      if (!this.line.endsWith("\n")) continue;
      const { line } = this;
      this.line = "";
      whole += this.head(line);
    }
    return whole;
  }

  private head(line: string): number {
    const kind = line[0];
    const value = Number(line.slice(1));
    if (kind === "-") this.errors++;
    if (kind === "$" && value >= 0) {
      this.skip = value + 2;
      return 0;
    }
    if (kind === "*" && value > 0) {
      this.missing.push(value);
      return 0;
    }
    return this.element();
  }

  /** An element is whole: 1 if a reply is, too. */
  private element(): number {
    for (let last = this.missing.length - 1; last >= 0; last--) {
      if (--this.missing[last] !== 0) return 0;
      this.missing.pop();
    }
    return 1;
  }
}
