/** A file of which a replica gets the length before it: read from the disk as fast as the replica takes it. */
import { read } from "node:fs";
import type { Server } from "../server/server.js";
import type { Replica } from "./replica.js";

const PIECE = 64 * 1024;
/** Bytes that wait for the replica from which on no more are read. */
const FULL = 256 * 1024;

export class FileTransfer {
  private at = 0;
  private isBusy = false;
  private readonly piece = Buffer.allocUnsafeSlow(PIECE);

  /** `ended` is called when all is on its way, or when it cannot be read. */
  constructor(
    private readonly server: Server,
    private readonly fd: number,
    private readonly length: number,
    readonly replica: Replica,
    private readonly ended: (isWhole: boolean) => void,
  ) {
    replica.state = "sending";
    server.sendText(replica.client, `$${length}\r\n`);
    this.goOn();
  }

  /** The replica may take more. */
  readonly goOn = (): void => {
    const { client } = this.replica;
    if (this.isBusy || client.isClosed || client.output.pending > FULL) return;
    if (this.at === this.length) return this.ended(true);
    this.isBusy = true;
    read(this.fd, this.piece, 0, Math.min(PIECE, this.length - this.at), this.at, (error, count) => {
      this.isBusy = false;
      if (client.isClosed || this.server.os.closed) return;
      if (error !== null || count === 0) return this.ended(false);
      this.at += count;
      this.server.sendBytes(client, this.piece, count);
      this.goOn();
    });
  };
}
