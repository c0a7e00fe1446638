/** Exit codes, and the failures that lead to them. */
import { DemiError } from "@demikernel/core";

export const Exit = {
  OK: 0,
  /** A bad option, a device or a log that cannot be used, damage that was found. */
  FAILED: 1,
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

/** Ctrl-C, or SIGTERM, while there was nothing to print yet. */
export class Interrupted extends Failure {
  constructor() {
    super("interrupted", Exit.INTERRUPTED);
  }
}

/** Prints what ended the program and sets its exit code; anything but a failure of the two kinds is a bug and keeps its stack. */
export function tell(error: unknown): void {
  const expected = error instanceof Failure || error instanceof DemiError;
  console.error(expected ? `demi-log: ${error.message}` : error);
  process.exitCode = error instanceof Failure ? error.exitCode : Exit.FAILED;
}
