/** Real-time priority for what is measured, in bursts of tenths of a second, so that two ends that spin have their CPUs at the same time on a machine with other work. */
import { spawnSync } from "node:child_process";

let realtime = false;

/** Switches it on. Throws where it is not permitted. */
export function useRealtime() {
  chrt("--rr", "1", "true");
  realtime = true;
}

/** A command line that starts a program with the priority. */
export const raised = (command, args) => (realtime ? ["chrt", ["--rr", "1", command, ...args]] : [command, args]);

export function raise(pid) {
  if (realtime) chrt("--all-tasks", "--rr", "--pid", "1", String(pid));
}

export function lower(pid) {
  if (realtime) chrt("--all-tasks", "--other", "--pid", "0", String(pid));
}

function chrt(...args) {
  const { status, error, stderr } = spawnSync("chrt", args, { encoding: "utf8" });
  if (error) throw new Error(`real-time priority: ${error.message} (apt install util-linux)`);
  if (status !== 0) throw new Error(`real-time priority: ${stderr.trim()}`);
}
