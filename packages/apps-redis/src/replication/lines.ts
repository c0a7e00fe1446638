/** Lines of a peer that says one at a time: taken out of what has come. */
const LF = 10;
/** Longest line: no answer of a master is as long. */
const LONGEST = 1024;

export class TooLong extends Error {}

export class Lines {
  private text = "";
  /** Behind the line that was found. */
  position = 0;

  /** The next line, without its end, in `bytes` from `at` to `end`; undefined: it is not whole. Throws {@link TooLong}. */
  next(bytes: Uint8Array, at: number, end: number): string | undefined {
    const feed = bytes.subarray(at, end).indexOf(LF);
    const stop = feed < 0 ? end : at + feed;
    if (this.text.length + stop - at > LONGEST) throw new TooLong("a line without end");
    this.text += Buffer.from(bytes.subarray(at, stop)).toString("latin1");
    this.position = feed < 0 ? end : stop + 1;
    if (feed < 0) return undefined;
    const line = this.text.replace(/\r$/, "");
    this.text = "";
    return line;
  }
}
