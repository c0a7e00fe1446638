/** Errors as the suite looks at them: by POSIX name, thrown or in a result. */
import assert from "node:assert/strict";
import type { Completion, LibOS, PopCompletion, QueueToken } from "@demikernel/core";
import { type DemiError, errnoOf, errorName } from "@demikernel/core";
import type { CaseContext } from "./case.js";
import { completion, newQdOf, sgaOf } from "./turns.js";

/** Checks that an error is a DemiError in all its fields. By shape, not by class: the backend may bring its own copy of core. */
export function assertDemiError(error: unknown): DemiError {
  assert.ok(error instanceof Error, `thrown: ${String(error)}`);
  assert.equal(error.name, "DemiError", `${error.name}: ${error.message}`);
  const demi = error as DemiError;
  assert.match(demi.code, /^E[A-Z0-9]+$/);
  assert.equal(demi.errno, errnoOf(demi.code), "errno is the negative number of the code");
  assert.ok(demi.errno < 0, `errno of ${demi.code}`);
  assert.equal(typeof demi.syscall, "string");
  assert.ok(demi.message.startsWith(demi.code), demi.message);
  return demi;
}

/** The error a call throws. Fails when it throws none, or another kind. */
export function thrown(call: () => unknown): DemiError {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return assertDemiError(error);
  }
  assert.fail(`expected an error, got ${String(value)}`);
}

/** The error a promise rejects with. */
export async function rejected(promise: Promise<unknown>): Promise<DemiError> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return assertDemiError(error);
  }
  assert.fail(`expected a rejection, got ${String(value)}`);
}

export function assertThrows(code: string | readonly string[], call: () => unknown): DemiError {
  const error = thrown(call);
  assertCode(error.code, code);
  return error;
}

export async function assertRejects(code: string | readonly string[], promise: Promise<unknown>): Promise<DemiError> {
  const error = await rejected(promise);
  assertCode(error.code, code);
  return error;
}

export function assertCode(actual: string, expected: string | readonly string[]): void {
  const codes = typeof expected === "string" ? [expected] : expected;
  assert.ok(codes.includes(actual), `expected ${codes.join(" or ")}, got ${actual}`);
}

/** "OK" or the POSIX name in a completion. */
export function codeOf(done: Completion): string {
  return done.result >= 0 ? "OK" : errorName(done.result);
}

/** Checks that a completion is a failure with this code and hands nothing over. */
export function assertFailed(done: Completion, code: string | readonly string[]): void {
  assertCode(codeOf(done), code);
  // Whatever its type names: all completions have the field.
  assert.equal((done as PopCompletion).sga, 0, "a failed operation hands over no sga");
}

/**
 * How an operation ends: "OK" or a code, be it thrown by the call (found at once) or in the completion (found by the device). What
 * a success hands over is given back.
 */
export async function outcome(context: CaseContext, os: LibOS, start: () => QueueToken): Promise<string> {
  let qt: QueueToken;
  try {
    qt = start();
  } catch (error) {
    return assertDemiError(error).code;
  }
  const done = await completion(context, os, qt);
  if (sgaOf(done) !== 0) os.free(sgaOf(done));
  if (newQdOf(done) > 0) os.close(newQdOf(done));
  return codeOf(done);
}
