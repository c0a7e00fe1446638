/** What this machine has and lacks for the posix backend. Reads /proc; opens a ring through the addon to see whether it works. */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import type { Check } from "@demikernel/core/backend";

/** Soft limits of this process, from /proc/self/limits. */
interface Limit {
  soft: number;
  hard: number;
}

export function doctor(read: (path: string) => string | undefined = readProc, kernel = release()): Check[] {
  return [kernelVersion(kernel), ioUring(read, kernel), descriptors(read), lockedMemory(read, kernel)];
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function atLeast(kernel: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = kernel.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0);
  return a > major || (a === major && b >= minor);
}

function kernelVersion(kernel: string): Check {
  const name = "kernel";
  if (atLeast(kernel, 6, 1)) return { name, status: "ok", found: `Linux ${kernel}` };
  const missing = atLeast(kernel, 6, 0)
    ? "io_uring runs without deferred completions, a little slower"
    : atLeast(kernel, 5, 11)
      ? "io_uring needs 6.0; epoll is used"
      : "io_uring needs 6.0 and microsecond waits 5.11; epoll with millisecond waits is used";
  return { name, status: "lack", found: `Linux ${kernel}: ${missing}`, mend: "run Linux 6.1 or newer" };
}

function ioUring(read: (path: string) => string | undefined, kernel: string): Check {
  const name = "io_uring";
  if (!atLeast(kernel, 6, 0)) {
    return { name, status: "lack", found: "this kernel is too old for it", mend: "run Linux 6.0 or newer" };
  }
  const disabled = read("/proc/sys/kernel/io_uring_disabled")?.trim();
  if (disabled === "2" || disabled === "1") {
    const who = disabled === "2" ? "everybody" : "processes without CAP_SYS_ADMIN that are not in kernel.io_uring_group";
    return {
      name,
      status: "lack",
      found: `kernel.io_uring_disabled=${disabled} forbids it to ${who}; epoll is used`,
      mend: "sysctl -w kernel.io_uring_disabled=0",
    };
  }
  if (/^Seccomp:\s*2/m.test(read("/proc/self/status") ?? "")) {
    return {
      name,
      status: "lack",
      found: "a seccomp filter is active (containers often forbid io_uring_setup); where it does, epoll is used",
      mend: "docker run --security-opt seccomp=<profile that allows io_uring_setup, io_uring_enter, io_uring_register>",
    };
  }
  return { name, status: "ok", found: "not forbidden by sysctl or seccomp" };
}

function processLimit(read: (path: string) => string | undefined, name: string): Limit | undefined {
  const line = read("/proc/self/limits")
    ?.split("\n")
    .find((row) => row.startsWith(name));
  const columns = line?.slice(name.length).trim().split(/\s+/);
  if (!columns || columns.length < 2) return undefined;
  const [soft, hard] = columns.map((text) => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text)));
  return { soft: soft ?? 0, hard: hard ?? 0 };
}

function descriptors(read: (path: string) => string | undefined): Check {
  const name = "RLIMIT_NOFILE";
  const limit = processLimit(read, "Max open files");
  if (!limit) return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  if (limit.soft >= 16384) return { name, status: "ok", found: `${limit.soft} open files` };
  return {
    name,
    status: "lack",
    found: `${limit.soft} open files: accepts wait when that many connections are open`,
    mend: `ulimit -n ${Math.min(65536, Math.max(limit.hard, limit.soft))}`,
  };
}

function lockedMemory(read: (path: string) => string | undefined, kernel: string): Check {
  const name = "RLIMIT_MEMLOCK";
  const limit = processLimit(read, "Max locked memory");
  if (!limit) return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  // Since 5.12 rings are charged to the memory cgroup, not to this limit.
  if (atLeast(kernel, 5, 12) || limit.soft >= 1 << 20) {
    return { name, status: "ok", found: limit.soft === Number.POSITIVE_INFINITY ? "unlimited" : `${limit.soft} bytes` };
  }
  return { name, status: "lack", found: `${limit.soft} bytes: too few for an io_uring`, mend: "ulimit -l 8192" };
}
