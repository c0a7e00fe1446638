/** What the system says of itself and of this process: the kernel, Debian packages, capabilities, limits. */
import type { Machine } from "./machine.js";

/** As `uname -r` gives it; empty where it cannot be read. */
export function kernelRelease(machine: Machine): string {
  return machine.read("/proc/sys/kernel/osrelease") ?? "";
}

export function kernelAtLeast(machine: Machine, major: number, minor: number): boolean {
  const [a = 0, b = 0] = kernelRelease(machine)
    .split(/[.-]/)
    .map((part) => Number.parseInt(part, 10) || 0);
  return a > major || (a === major && b >= minor);
}

/** True when the kernel brings the module, loaded or not. */
export function hasModule(machine: Machine, name: string): boolean {
  return machine.read(`/lib/modules/${kernelRelease(machine)}/modules.dep`)?.includes(`/${name}.ko`) ?? false;
}

/** The value of a parameter that sysctl sets, "kernel.io_uring_disabled"; undefined where it does not exist. */
export function kernelParameter(machine: Machine, name: string): string | undefined {
  return machine.read(`/proc/sys/${name.replaceAll(".", "/")}`);
}

/** The version of an installed Debian package whose name matches; undefined without one. dpkg does not know of libraries built by hand. */
export function packageVersion(machine: Machine, name: RegExp): string | undefined {
  const entries = (machine.read("/var/lib/dpkg/status") ?? "").split("\n\n");
  const entry = entries.find(
    (text) => name.test(/^Package: (.*)$/m.exec(text)?.[1] ?? "") && /^Status: install ok installed$/m.test(text),
  );
  return /^Version: (.*)$/m.exec(entry ?? "")?.[1];
}

/** Bits of /proc/self/status, CapEff. */
const CAPABILITIES = { NET_ADMIN: 12, NET_RAW: 13, IPC_LOCK: 14, SYS_ADMIN: 21 };
export type Capability = keyof typeof CAPABILITIES;

export function capable(machine: Machine, capability: Capability): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(machine.read("/proc/self/status") ?? "")?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(CAPABILITIES[capability])) & 1n) === 1n;
}

/** Soft and hard value of a row of /proc/self/limits, "Max open files"; undefined where it cannot be read. */
export function processLimit(machine: Machine, row: string): { soft: number; hard: number } | undefined {
  const line = machine
    .read("/proc/self/limits")
    ?.split("\n")
    .find((one) => one.startsWith(row));
  const [soft, hard] = line?.slice(row.length).trim().split(/\s+/) ?? [];
  const value = (text: string) => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text));
  return soft === undefined || hard === undefined ? undefined : { soft: value(soft), hard: value(hard) };
}
