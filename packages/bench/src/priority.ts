/**
 * Real-time priority for what is measured, in bursts of tenths of a second, so that two ends that spin have their CPUs at the same
 * time on a machine with other work. Works through chrt, which replaces itself by the command.
 */
import { spawnSync } from "node:child_process";
import type { Child } from "./child.js";

let realtime = false;

/** Switches it on; until then the functions below change nothing. Throws where it is not permitted. */
export function useRealtime(): void {
  chrt("--rr", "1", "true");
  realtime = true;
}

/** A command line that starts `command` with the priority. */
export function raised(command: string, args: readonly string[]): [string, string[]] {
  return realtime ? ["chrt", ["--rr", "1", command, ...args]] : [command, [...args]];
}

/** Gives a running process the priority, all its threads. */
export function raise(pid: number): void {
  if (realtime) chrt("--all-tasks", "--rr", "--pid", "1", String(pid));
}

/** Takes it away again. */
export function lower(pid: number): void {
  if (realtime) chrt("--all-tasks", "--other", "--pid", "0", String(pid));
}

/**
 * Measures with a server that spins, compiled and warm, and is halted (SIGSTOP) before and afterwards: it would use its CPU whether
 * there is work or not. It has the priority meanwhile. Also rejects when it dies.
 */
export async function whileRunning<T>(server: Child, measure: () => Promise<T>): Promise<T> {
  const { pid } = server;
  process.kill(pid, "SIGCONT");
  raise(pid);
  try {
    return await server.whileAlive(measure());
  } finally {
    if (server.alive) {
      lower(pid);
      process.kill(pid, "SIGSTOP");
    }
  }
}

function chrt(...args: string[]): void {
  const { status, error, stderr } = spawnSync("chrt", args, { encoding: "utf8" });
  if (error) throw new Error(`real-time priority: ${error.message} (apt install util-linux)`);
  if (status !== 0) throw new Error(`real-time priority: ${stderr.trim()}`);
}
