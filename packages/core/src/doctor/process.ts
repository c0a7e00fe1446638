/** What this process may do. */
import type { Machine } from "./machine.js";

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
