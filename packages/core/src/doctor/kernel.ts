/** The kernel: its release, its modules, its parameters. */
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

/** The value of a parameter that sysctl sets, "kernel.io_uring_disabled"; undefined where there is none. */
export function kernelParameter(machine: Machine, name: string): string | undefined {
  return machine.read(`/proc/sys/${name.replaceAll(".", "/")}`);
}
