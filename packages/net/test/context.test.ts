/** A socket's events have the asynchronous context that node:net's have: the one it was made in, not that of who woke the loop. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROGRAM = fileURLToPath(new URL("context.mjs", import.meta.url));

async function seenOver(which: string): Promise<string[]> {
  const env = { ...process.env, LIBOS: "posix" };
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, which], { timeout: 20_000, env });
  return JSON.parse(stdout) as string[];
}

test("asynchronous context", async () => {
  const [theirs, ours] = await Promise.all([seenOver("node"), seenOver("libos")]);
  expect(theirs).toContain("first data: first");
  expect(ours).toEqual(theirs);
});
