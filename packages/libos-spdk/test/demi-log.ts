/** demi-log as users run it, and devices for it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LibOS, openLibOS, PushFlag } from "@demikernel/core";
import { CommanderError } from "commander";
import { tell } from "../src/cli/failure.js";
import { demiLog as demiLogCommands } from "../src/cli/program.js";

export const program = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "demi-log-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A path for a device, in a folder that is gone after the tests of the file. */
export const pathOf = (name: string): string => join(folder, name);

export interface Ended {
  status: number;
  /** What it printed, a byte to a character. */
  out: string;
  err: string;
}

/** demi-log as a process of its own. */
export function spawned(...args: string[]): Ended {
  const { DEMI_CONFIG: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { env, timeout: 60_000 });
  return { status: status ?? -1, out: stdout.toString("latin1"), err: stderr.toString() };
}

/** The same in this process, which takes a tenth of the time. */
export async function demiLog(...args: string[]): Promise<Ended> {
  const { log, error } = console;
  const { stdout } = process;
  const { write } = stdout;
  const ended: Ended = { status: 0, out: "", err: "" };
  const writeErr = (text: string) => {
    ended.err += text;
  };
  const writeOut = (data: string | Uint8Array) => {
    ended.out += Buffer.from(data as string).toString("latin1");
    return true;
  };
  console.log = (text) => writeOut(`${text}\n`);
  console.error = (text) => writeErr(`${text}\n`);
  stdout.write = writeOut;
  process.exitCode = 0;
  try {
    const commands = demiLogCommands();
    for (const command of [commands, ...commands.commands]) command.exitOverride().configureOutput({ writeErr });
    await commands.parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode;
    else tell(thrown);
  } finally {
    ended.status = Number(process.exitCode);
    process.exitCode = 0;
    stdout.write = write;
    Object.assign(console, { log, error });
  }
  return ended;
}

/** Its standard output as JSON, of a run that ended with this code. */
// biome-ignore lint/suspicious/noExplicitAny: what a test expects of it is its type
export async function demiLogJson(status: number, ...args: string[]): Promise<any> {
  const ended = await demiLog(...args, "--json");
  if (ended.status !== status) throw new Error(`demi-log ${args.join(" ")} ended with ${ended.status}: ${ended.err}`);
  return JSON.parse(ended.out);
}

export function openDevice(path: string): Promise<LibOS> {
  return openLibOS({ libos: "spdk", storage: null, device: `file:${path},size=16MiB`, from: import.meta.url });
}

/** Appends records, durable when this returns: one commit for all that are pushed together. */
export function append(os: LibOS, name: string, records: readonly (string | Uint8Array)[]): void {
  const log = os.open(name, "a+");
  const pushes = records.map((record) => os.push(log, os.sga.from(record), PushFlag.FREE));
  for (const { result } of os.waitAll(pushes, 10_000)) if (result < 0) throw new Error(`a push ended with ${result}`);
  os.close(log);
}

/** Inverts a byte of a file, `distance` bytes from where this text, which stands in it once, begins. */
export function flip(path: string, text: string, distance = 0): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  if (at < 0 || bytes.indexOf(text, at + 1) >= 0) throw new Error(`"${text}" does not stand in ${path} once`);
  bytes[at + distance] ^= 0xff;
  writeFileSync(path, bytes);
}
