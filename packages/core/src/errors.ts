import { constants } from "node:os";

/** A failed call. `code` is the POSIX name, `errno` negative as in results, `syscall` the libOS call, `qd` the queue if there was one. */
export class DemiError extends Error {
  override readonly name = "DemiError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  readonly qd: number | undefined;

  constructor(code: string, syscall: string, detail?: string, qd?: number, cause?: unknown) {
    super(`${code}: ${syscall}${detail ? `: ${detail}` : ""}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errnoOf(code);
    this.syscall = syscall;
    this.qd = qd;
  }

  /** From a negative errno, as completions carry it. */
  static from(errno: number, syscall: string, qd?: number, detail?: string): DemiError {
    return new DemiError(errorName(errno), syscall, detail, qd);
  }
}

const numbers = constants.errno as Record<string, number>;
// Where two names share a number (EAGAIN and EWOULDBLOCK, EOPNOTSUPP and ENOTSUP), the one sockets use.
const names = new Map(Object.entries(numbers).map(([name, value]) => [value, name]));
for (const name of ["EAGAIN", "EOPNOTSUPP"]) names.set(numbers[name], name);

/** The POSIX name of a negative errno: -104 is "ECONNRESET". */
export function errorName(errno: number): string {
  return names.get(-errno) ?? `E${-errno}`;
}

/** The negative errno of a POSIX name; 0 for one this platform does not know. */
export function errnoOf(code: string): number {
  const value = numbers[code];
  return value === undefined ? (/^E(\d+)$/.test(code) ? -Number(code.slice(1)) : 0) : -value;
}
