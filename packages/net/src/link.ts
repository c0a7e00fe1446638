/** What a Socket stands on: a queue of a libOS, or, for what no backend has, one of the kernel's. */
export interface Name {
  address: string;
  family: "IPv4" | "IPv6";
  port: number;
}

export const received = Symbol("received");
export const ended = Symbol("ended");
export const failed = Symbol("failed");
export const active = Symbol("active");
export const gone = Symbol("gone");

/** Told what happens on a {@link Link}. By symbols: it is a Socket, whose names are node:net's. */
export interface LinkUser {
  /** Bytes came, which are the user's. False: no more of them until {@link Link.readStart}. */
  [received](bytes: Buffer): boolean;
  /** The peer has ended. */
  [ended](): void;
  /** It broke: a negative errno, and at what. */
  [failed](errno: number, syscall: string): void;
  /** It is alive: bytes went out or came. */
  [active](): void;
  /** The libOS has ended: it is nowhere any more, by the application's own will. */
  [gone](): void;
}

export type Chunk = string | Uint8Array;
export type Done = (error?: Error | null) => void;

export interface Link {
  /** From readStart() to readStop(), or to what the user does not want more after. */
  readonly isReading: boolean;
  /** There is no reset for a pipe. */
  readonly isPipe: boolean;
  readonly bytesRead: number;
  /** Bytes that were taken to be sent. */
  readonly bytesWritten: number;
  /** Bytes of these that have not left yet. */
  readonly unsent: number;
  /** Where a user wants its bytes: see {@link ReadInto}. */
  set into(given: ReadInto | undefined);

  readStart(): void;
  readStop(): void;
  /** `done` when they were taken, and others may follow; what goes wrong later is told by failed(). */
  write(chunk: Chunk, encoding: BufferEncoding, done: Done): void;
  writev(chunks: readonly { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void;
  /** The half-close, behind what was written. Told later, never within the call. */
  shutdown(done: Done): void;
  /** No completion is told any more. What was written goes out. */
  close(): void;
  /** As close(), with a reset for the peer. */
  reset(): void;
  ref(): void;
  unref(): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, seconds: number): void;
  localName(): Name | undefined;
  peerName(): Name | undefined;
}

/** node:net's `onread`: bytes are copied into a buffer of the user's, and none is made for them. */
export interface ReadInto {
  buffer: Uint8Array | (() => Uint8Array);
  callback: (bytes: number, buffer: Uint8Array) => boolean;
}
