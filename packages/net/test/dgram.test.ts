/** node:dgram's behaviour: the same cases over node:dgram and over a libOS, each in a process of its own, and what they saw compared. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Case {
  name: string;
  seen: unknown[];
  failed?: string;
}

const LIMIT = 20_000;

async function run(program: string, ...args: string[]): Promise<Case[]> {
  const path = fileURLToPath(new URL(`dgram/${program}.mjs`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], {
    timeout: LIMIT,
    env: { ...process.env, LIBOS: "posix" },
  });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Case);
}

test("datagram sockets are those of node:dgram", async () => {
  const [theirs, ours] = await Promise.all([run("run", "node"), run("run", "libos")]);
  expect(theirs.length).toBeGreaterThanOrEqual(40);
  expect(ours.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name));
  for (const [i, expected] of theirs.entries()) {
    expect(expected.seen.length).toBeGreaterThan(0);
    expect(expected).not.toHaveProperty("failed");
    expect(ours[i]).toEqual(expected);
  }
});

test("what node:dgram has and a libOS has not, and what a libOS has", async () => {
  for (const { name, failed } of await run("own")) expect({ name, failed }).toEqual({ name });
});
