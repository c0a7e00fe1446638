import type { Ended } from "../../../apps-echo/test/program.js";

export function expectDone({ code, stdout, stderr }: Ended, says: string): void {
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: says, stderr: "" });
}
