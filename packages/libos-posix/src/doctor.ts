/** What a machine has and lacks for the posix backend. */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import type { Check } from "@demikernel/core/backend";

/** What the checks look at. */
export interface Machine {
  /** The kernel's release, as uname -r gives it. */
  kernel: string;
  /** The text of a file below /proc; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** Why no io_uring can be made; undefined when one can. */
  whyNoRing(): string | undefined;
}

export function thisMachine(whyNoRing: () => string | undefined): Machine {
  return {
    kernel: release(),
    read: (path) => {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
    whyNoRing,
  };
}

export function doctor(machine: Machine): Check[] {
  return [kernel(machine), ioUring(machine), openFiles(machine), lockedMemory(machine)];
}

function atLeast(release: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = release.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return a > major || (a === major && b >= minor);
}

function kernel({ kernel: release }: Machine): Check {
  const name = "kernel";
  if (atLeast(release, 6, 1)) return { name, status: "ok", found: `Linux ${release}` };
  const without = atLeast(release, 6, 0)
    ? "io_uring works without deferred completions, a little slower"
    : atLeast(release, 5, 11)
      ? "io_uring needs 6.0, epoll is used"
      : "io_uring needs 6.0, epoll is used, and its waits are whole milliseconds before 5.11";
  return { name, status: "lack", found: `Linux ${release}: ${without}`, mend: "run Linux 6.1 or newer" };
}

function ioUring(machine: Machine): Check {
  const name = "io_uring";
  const reason = machine.whyNoRing();
  if (reason === undefined) return { name, status: "ok", found: "a ring was made and received a byte" };
  return { name, status: "lack", found: `${reason}; epoll is used`, mend: mendRing(machine) };
}

function mendRing({ kernel: release, read }: Machine): string {
  if (!atLeast(release, 6, 0)) return "run Linux 6.0 or newer";
  const disabled = read("/proc/sys/kernel/io_uring_disabled")?.trim();
  if (disabled === "1" || disabled === "2") return "sysctl -w kernel.io_uring_disabled=0";
  if (/^Seccomp:\s*2/m.test(read("/proc/self/status") ?? "")) {
    return "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile";
  }
  return "see docs/troubleshooting.md";
}

/** The soft and hard value of a limit in /proc/self/limits. */
function processLimit({ read }: Machine, name: string): [number, number] | undefined {
  const row = read("/proc/self/limits")
    ?.split("\n")
    .find((line) => line.startsWith(name));
  const [soft, hard] = row?.slice(name.length).trim().split(/\s+/) ?? [];
  const value = (text: string) => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text));
  return soft === undefined || hard === undefined ? undefined : [value(soft), value(hard)];
}

function openFiles(machine: Machine): Check {
  const name = "RLIMIT_NOFILE";
  const limit = processLimit(machine, "Max open files");
  if (!limit) return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  const [soft, hard] = limit;
  const found = `${soft} open files`;
  if (soft >= 16384) return { name, status: "ok", found };
  const mend = hard > soft ? `ulimit -n ${Math.min(hard, 65536)}` : "raise the hard limit (limits.conf, LimitNOFILE=)";
  return { name, status: "lack", found: `${found}: with more connections than that, accepts wait`, mend };
}

function lockedMemory(machine: Machine): Check {
  const name = "RLIMIT_MEMLOCK";
  const limit = processLimit(machine, "Max locked memory");
  if (!limit) return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  const found = limit[0] === Number.POSITIVE_INFINITY ? "unlimited" : `${limit[0]} bytes`;
  // Since 5.12 a ring is charged to the memory control group, not to this limit.
  if (atLeast(machine.kernel, 5, 12) || limit[0] >= 1 << 20) return { name, status: "ok", found };
  return { name, status: "lack", found: `${found}: too few for an io_uring`, mend: "ulimit -l 8192" };
}
