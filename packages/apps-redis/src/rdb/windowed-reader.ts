/**
 * Reads a file through a window of it: what was read is given up, so that a file of any size takes no more memory than its largest string. What
 * was read last stays where it was until the window has gone on twice: a sorted set's member, for instance, while its score is read.
 */
import { constants } from "node:buffer";
import { readSync } from "node:fs";
import { Crc64 } from "../encodings/crc64.js";
import { withWords } from "../memory/bytes.js";
import { BadFormat } from "./format.js";
import { RdbReader } from "./reader.js";

const WINDOW = 256 * 1024;

export class WindowedReader extends RdbReader {
  /** Of the window's first byte in the file. */
  private base = 0;
  /** Bytes of the file behind the window. */
  private behind: number;
  private other: Uint8Array = withWords(Buffer.allocUnsafeSlow(WINDOW));
  private readonly sum = new Crc64();
  /** Where in the window the checksum has come to. */
  private summed = 0;

  /** `size`: of the file. Without `isSummed` {@link checksum} is not to be asked for. */
  constructor(
    private readonly fd: number,
    size: number,
    private readonly isSummed: boolean,
  ) {
    super(withWords(Buffer.allocUnsafeSlow(WINDOW)), 0, 0);
    this.behind = size;
  }

  override get left(): number {
    return this.end - this.position + this.behind;
  }

  override get offset(): number {
    return this.base + this.position;
  }

  override checksum(): Crc64 {
    this.addToSum();
    return this.sum;
  }

  protected override more(length: number): void {
    const rest = this.end - this.position;
    if (length > rest + this.behind) throw new BadFormat("it ends too early");
    if (length > constants.MAX_LENGTH) throw new BadFormat("a string beyond all memory");
    this.addToSum();
    const into = length > this.other.length ? withWords(Buffer.allocUnsafeSlow(length)) : this.other;
    into.set(this.source.subarray(this.position, this.end), 0);
    let filled = rest;
    const wanted = Math.min(into.length - rest, this.behind);
    while (filled < rest + wanted) {
      const some = readSync(this.fd, into, filled, rest + wanted - filled, this.base + this.position + filled);
      // Somebody has made it shorter.
      if (some === 0) break;
      filled += some;
    }
    this.behind = filled === rest + wanted ? this.behind - wanted : 0;
    this.base += this.position;
    // One that was made for a long string is not kept.
    this.other = this.source.length === WINDOW ? this.source : withWords(Buffer.allocUnsafeSlow(WINDOW));
    this.goOn(into, filled);
    this.summed = 0;
    if (length > filled) throw new BadFormat("it ends too early");
  }

  private addToSum(): void {
    if (this.isSummed) this.sum.update(this.source, this.summed, this.position - this.summed);
    this.summed = this.position;
  }
}
