/**
 * Keeps child processes on chosen CPUs, so that server and generator do not chase each other. Works through taskset, which
 * replaces itself by the command: the child's pid is the command's.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** CPUs a process may use, as the kernel lists them. Throws Node's ENOENT when the process is gone. */
export function allowedCpus(pid: number | "self" = "self"): number[] {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  if (list === undefined) throw new Error(`/proc/${pid}/status names no allowed CPUs`);
  return parseCpuList(list);
}

/** "0-2,5" as [0, 1, 2, 5]. */
export function parseCpuList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last)) throw new RangeError(`CPU list ${JSON.stringify(list)}`);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

let tasksetFound: boolean | undefined;

/** Whether taskset (util-linux) is there. */
export function canPin(): boolean {
  tasksetFound ??= spawnSync("taskset", ["--version"], { stdio: "ignore" }).status === 0;
  return tasksetFound;
}

/** A command line that starts `command` on one CPU, or the same command line when there is no taskset. */
export function pinned(cpu: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  if (cpu === undefined || !canPin()) return [command, [...args]];
  return ["taskset", ["-c", String(cpu), command, ...args]];
}

/** Which CPUs the two sides of a measurement get, and what the reader must know about it. */
export interface Placement {
  server: number | undefined;
  generator: number | undefined;
  note: string;
}

/** Server and generator on a CPU each, as far as this machine gives them. */
export function placeServerAndGenerator(): Placement {
  if (!canPin()) return { server: undefined, generator: undefined, note: "not pinned: taskset is missing" };
  const cpus = allowedCpus();
  if (cpus.length < 2) {
    return { server: cpus[0], generator: cpus[0], note: `server and generator share CPU ${cpus[0]}, the only one` };
  }
  return {
    server: cpus[0],
    generator: cpus[1],
    note: `server on CPU ${cpus[0]}, generator on CPU ${cpus[1]} of ${cpus.length}`,
  };
}
