/** Exit codes, and the failures that lead to them. */

export const Exit = {
  OK: 0,
  /** A bad option, no backend, or a connection that was refused, broke or did not answer. */
  FAILED: 1,
  /** All that came back was right, but datagrams were lost. */
  LOST: 2,
  /** Bytes came back that were not sent. */
  MISMATCH: 3,
  /** Ended by Ctrl-C before it was done. */
  INTERRUPTED: 130,
} as const;

/** Something the user can understand and fix: printed as one sentence, without a stack. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exitCode: number = Exit.FAILED,
  ) {
    super(message);
  }
}
