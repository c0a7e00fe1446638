/** Memory for devices: how much may be locked, and how much lies in huge pages. */
import type { Check } from "../backend.js";
import type { Machine } from "./machine.js";
import { capable, processLimit } from "./system.js";

const MIB = 2 ** 20;

/** Whether as many bytes may be locked as are `needed`; `need` says what for, where they may not. */
export function lockedMemory(machine: Machine, needed: number, need: string): Check {
  const name = "RLIMIT_MEMLOCK";
  const limit = processLimit(machine, "Max locked memory");
  if (limit === undefined) return { name, status: "warn", message: "/proc/self/limits cannot be read" };
  const shown = (bytes: number) => (Number.isFinite(bytes) ? `${bytes} bytes` : "unlimited");
  const message = `soft limit ${shown(limit.soft)}, hard limit ${shown(limit.hard)}`;
  if (limit.soft >= needed) return { name, status: "ok", message };
  if (capable(machine, "IPC_LOCK")) return { name, status: "ok", message: `${message}; this process may exceed it` };
  const fix =
    limit.hard >= needed
      ? `ulimit -l ${Number.isFinite(limit.hard) ? Math.floor(limit.hard / 1024) : "unlimited"}`
      : "raise memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service, and log in again";
  return { name, status: "warn", message: `${message}: ${need}`, fix };
}

/** Whether as many MiB of huge pages are free as are `wanted`, of all sizes together; `without` says what happens where they are not. */
export function hugePages(machine: Machine, wanted: number, without: string): Check {
  const name = "huge pages";
  const base = "/sys/kernel/mm/hugepages";
  const sizes = machine.list(base).map((folder) => {
    const count = (file: string) => Number(machine.read(`${base}/${folder}/${file}`) ?? 0);
    const bytes = 1024 * Number(/^hugepages-(\d+)kB$/.exec(folder)?.[1] ?? 0);
    return { bytes, total: count("nr_hugepages"), free: count("free_hugepages") };
  });
  const free = sizes.reduce((sum, size) => sum + size.bytes * size.free, 0);
  const shown = sizes
    .filter(({ total }) => total > 0)
    .map(({ bytes, total, free }) => `${free} of ${total} of ${bytes / MIB} MiB free`);
  const message = shown.join(", ") || "none reserved";
  if (free >= wanted * MIB) return { name, status: "ok", message };
  return {
    name,
    status: "warn",
    message: `${message}: ${without}`,
    fix: `echo ${Math.ceil(wanted / 2)} > ${base}/hugepages-2048kB/nr_hugepages`,
  };
}
