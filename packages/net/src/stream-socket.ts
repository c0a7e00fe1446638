/**
 * Node's JSStreamSocket as it is over a Socket of ours: what stands between TLS, or HTTP/2 without TLS, and a stream. Node's own tells that a
 * write has ended in the next turn of the loop; until then TLS writes nothing more, and HTTP/2 reads nothing. Here it ends as soon as it may.
 */
import type { Socket as NodeSocket } from "node:net";
import { errnoOf } from "@demikernel/core";
import type { Socket } from "./socket.js";

/** The handle that C++ reads from and writes to. */
interface Handle {
  finishWrite(request: object, status: number): void;
  finishShutdown(request: object, status: number): void;
}

export interface StreamSocket extends NodeSocket {
  _handle: Handle | null;
  doWrite(request: object, chunks: Uint8Array[]): number;
  doShutdown(request: object): number;
  doClose(done: () => void): void;
  readStop(): number;
}

const ECANCELED = errnoOf("ECANCELED");
const EPIPE = errnoOf("EPIPE");

/** What C++ waits for, of one of them. */
export class Requests {
  /** Seldom more than one: TLS renegotiates while it writes. */
  private readonly writing = new Set<object>();
  private finishing: object | undefined;
  private isClosed = false;
  private isEnding = false;
  /** Of a TLSSocket, not of an HTTP/2 session. */
  isOfTLS = false;

  constructor(
    private readonly owner: StreamSocket,
    private readonly stream: Socket,
  ) {}

  write(request: object, chunks: Uint8Array[]): number {
    this.writing.add(request);
    const { _handle: handle } = this.owner;
    if (this.isClosed || handle === null) return 0;
    const done = (error?: (Error & { errno?: number }) | null) => {
      // Not before C++ knows that it has begun.
      process.nextTick(() => this.written(handle, request, error ? (error.errno ?? EPIPE) : 0));
    };
    if (this.isEnding) {
      // As the kernel answers: TLS takes no offence, since it has ended.
      process.nextTick(() => this.written(handle, request, EPIPE));
      return 0;
    }
    const { stream } = this;
    if (chunks.length === 1) stream.write(chunks[0], done);
    else {
      stream.cork();
      chunks.forEach((chunk, i) => {
        stream.write(chunk, i === chunks.length - 1 ? done : undefined);
      });
      stream.uncork();
    }
    return 0;
  }

  get isWriting(): boolean {
    return this.writing.size !== 0;
  }

  private written(handle: Handle, request: object, status: number): void {
    if (!this.writing.delete(request)) return;
    handle.finishWrite(request, status);
    if (this.finishing !== undefined && !this.isWriting && !this.isClosed) this.end(handle, this.finishing);
  }

  shutdown(request: object): number {
    this.finishing = request;
    const { _handle: handle } = this.owner;
    // TLS ends while it still writes.
    if (!this.isClosed && handle !== null && !this.isWriting) this.end(handle, request);
    return 0;
  }

  private end(handle: Handle, request: object): void {
    process.nextTick(() => {
      // What was written meanwhile goes first.
      if (this.isWriting || this.isEnding) return;
      this.isEnding = true;
      this.stream.end(() => this.finished(handle, request, 0));
    });
  }

  private finished(handle: Handle, request: object, status: number): void {
    if (this.finishing !== request) return;
    this.finishing = undefined;
    handle.finishShutdown(request, status);
  }

  close(done: () => void): void {
    this.isClosed = true;
    const { _handle: handle } = this.owner;
    this.stream.destroy();
    // Node destroys who owns it first.
    setImmediate(() => {
      if (handle !== null) {
        for (const request of this.writing) this.written(handle, request, ECANCELED);
        if (this.finishing !== undefined) this.finished(handle, this.finishing, ECANCELED);
      }
      done();
    });
  }
}
