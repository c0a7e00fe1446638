/** share(): sockets on a libOS that somebody else runs. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("programs/share.mjs", import.meta.url));

test("sockets and the application's own queues live beside each other, and close() ends the sockets alone", async () => {
  const env = { ...process.env, LIBOS: "posix" };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM], { timeout: 20_000, env });
  expect(JSON.parse(stdout)).toEqual({
    own: 11,
    theirs: true,
    echoed: "0123456789",
    errors: ["EALREADY", "EALREADY"],
    closed: false,
    appSlots: 0,
    queues: 1,
  });
});
