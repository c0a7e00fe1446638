/** The newest bytes of the stream of changes, for replicas that come back: what they missed is told from here, if it is still there. */
const PIECE = 64 * 1024;

export class Backlog {
  private readonly pieces: Buffer[] = [];
  /** Offset of the first byte of the first piece. Offsets begin with 1: the stream's first byte. */
  private begin: number;
  /** Offset of the byte that comes next. */
  end: number;

  /** `offset`: of the last byte before it. */
  constructor(
    offset: number,
    private size: number,
  ) {
    this.begin = this.end = offset + 1;
  }

  /** Offset of the oldest byte that is there. */
  get first(): number {
    return Math.max(this.begin, this.end - this.size);
  }

  /** Bytes that are there. */
  get length(): number {
    return this.end - this.first;
  }

  /** Bytes of memory. */
  get memory(): number {
    return this.pieces.length * PIECE;
  }

  /** Whether a replica that wants to go on with the byte at `offset` can. */
  has(offset: number): boolean {
    return offset >= this.first && offset <= this.end;
  }

  append(bytes: Uint8Array, at: number, length: number): void {
    for (let from = at, end = at + length; from < end; ) {
      const used = (this.end - this.begin) % PIECE;
      if (used === 0 && this.end - this.begin === this.pieces.length * PIECE)
        this.pieces.push(Buffer.allocUnsafeSlow(PIECE));
      const some = Math.min(PIECE - used, end - from);
      this.pieces[this.pieces.length - 1].set(bytes.subarray(from, from + some), used);
      from += some;
      this.end += some;
    }
    this.trim();
  }

  /** repl-backlog-size was set. */
  resize(size: number): void {
    this.size = size;
    this.trim();
  }

  /** Tells what there is from an offset on, in pieces. */
  read(offset: number, told: (bytes: Buffer) => void): void {
    for (let at = offset - this.begin, end = this.end - this.begin; at < end; ) {
      const from = at % PIECE;
      const some = Math.min(PIECE - from, end - at);
      told(this.pieces[Math.floor(at / PIECE)].subarray(from, from + some));
      at += some;
    }
  }

  private trim(): void {
    while (this.pieces.length > 1 && this.first >= this.begin + PIECE) {
      this.pieces.shift();
      this.begin += PIECE;
    }
  }
}
