/** To a client by a stream: TLS over a connection of the libOS. */
import type { Duplex } from "node:stream";
import type { Gate } from "../aof/gate.js";
import { Output } from "../server/output.js";

export class StreamOutput extends Output {
  private readonly held: Buffer[] = [];
  /** Told of bytes that have left. */
  onSent: (bytes: number) => void = () => {};

  constructor(
    private readonly stream: Duplex,
    gate: Gate,
  ) {
    super(gate);
  }

  protected push(bytes: Buffer, from: number, length: number): boolean {
    const piece = Buffer.from(bytes.subarray(from, from + length));
    this.underWay += length;
    if (this.gate?.isClosed) {
      this.held.push(piece);
      this.gate.hold(this);
    } else {
      this.write(piece);
    }
    return true;
  }

  release(): void {
    const piece = this.held.shift() as Buffer;
    if (!this.isBroken) this.write(piece);
  }

  close(): void {
    this.stream.destroy();
  }

  private write(piece: Buffer): void {
    this.stream.write(piece, (error) => {
      if (!error) this.onSent(piece.length);
    });
  }
}
