/** How operations end: one type an opcode, told apart by {@link Opcode}. */
import type { QueueDescriptor, QueueToken, Sga } from "./names.js";

/** What a finished operation was: {@link Completion.opcode}. */
export const Opcode = { PUSH: 1, POP: 2, ACCEPT: 3, CONNECT: 4 } as const;
export type OpcodeValue = (typeof Opcode)[keyof typeof Opcode];

interface Finished {
  readonly qd: QueueDescriptor;
  readonly qt: QueueToken;
}

export interface PushCompletion extends Finished {
  readonly opcode: typeof Opcode.PUSH;
  /** Bytes pushed, or a negative errno. */
  readonly result: number;
}

export interface PopCompletion extends Finished {
  readonly opcode: typeof Opcode.POP;
  /** Bytes popped, or a negative errno. 0 with `sga` 0 is the end of the stream. */
  readonly result: number;
  /** What arrived, the application's until freed. 0 at the end of the stream and on errors. */
  readonly sga: Sga;
}

export interface AcceptCompletion extends Finished {
  readonly opcode: typeof Opcode.ACCEPT;
  /** 0, or a negative errno. */
  readonly result: number;
  /** The connection's queue. 0 on errors. */
  readonly newQd: QueueDescriptor;
}

export interface ConnectCompletion extends Finished {
  readonly opcode: typeof Opcode.CONNECT;
  /** 0, or a negative errno. */
  readonly result: number;
}

/**
 * One finished operation: look at `opcode`, then at what it brought. At run time all have the same fields, `sga` and `newQd` 0 where the
 * type does not name them, so that the code which reads them sees one kind of object.
 */
export type Completion = PushCompletion | PopCompletion | AcceptCompletion | ConnectCompletion;

/** What an operation ends with, by its token. */
export type CompletionOf<T extends QueueToken> = T extends QueueToken<infer C> ? C : never;

/** Called for each completion in run() and turn(). `event` is one object, reused: read it now, keep nothing of it. */
export type CompletionHandler = (event: Completion) => void;
