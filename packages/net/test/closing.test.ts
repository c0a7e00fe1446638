/** close() of the package: nothing waits for ever, and nothing that was given up comes back. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("programs/closing.mjs", import.meta.url));

test("while it opens, and with live sockets", async () => {
  const env = { ...process.env, LIBOS: "posix" };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { timeout: 20_000, env });
  const [first, early, given, second, third, ...rest] = JSON.parse(stdout) as unknown[];
  expect([first, early]).toEqual(["ECANCELED", "ECANCELED"]);
  expect([given, second, third]).toEqual(["ECANCELED", "opened", "EALREADY"]);
  expect(rest.slice(0, -2).sort()).toEqual(["accepted false", "accepted false", "client false", "client false"]);
  expect(rest.slice(-2)).toEqual([false, true]);
});
