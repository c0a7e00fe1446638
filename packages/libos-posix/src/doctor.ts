/** What a machine has for the posix backend, and what is missing. */
import {
  type Check,
  kernelAtLeast,
  kernelParameter,
  kernelRelease,
  lockedMemory,
  type Machine,
  processLimit,
} from "@demikernel/core/doctor";

/** `whyNoRing` makes an io_uring to find out: why none can be made; undefined when one can. */
export function doctor(machine: Machine, whyNoRing: () => string | undefined): Check[] {
  // Since 5.12 a ring is charged to the memory control group, not to the limit.
  const locked = kernelAtLeast(machine, 5, 12) ? 0 : 2 ** 20;
  return [
    kernel(machine),
    ioUring(machine, whyNoRing()),
    openFiles(machine),
    lockedMemory(machine, locked, "too little for an io_uring"),
  ];
}

function kernel(machine: Machine): Check {
  const name = "kernel";
  const release = kernelRelease(machine);
  if (kernelAtLeast(machine, 6, 1)) return { name, status: "ok", message: `Linux ${release}` };
  const without = kernelAtLeast(machine, 6, 0)
    ? "io_uring works without deferred completions, a little slower"
    : kernelAtLeast(machine, 5, 11)
      ? "io_uring needs 6.0, epoll is used"
      : "io_uring needs 6.0, epoll is used, and its waits are whole milliseconds before 5.11";
  return { name, status: "warn", message: `Linux ${release}: ${without}`, fix: "run Linux 6.1 or newer" };
}

function ioUring(machine: Machine, reason: string | undefined): Check {
  const name = "io_uring";
  if (reason === undefined) return { name, status: "ok", message: "a ring was made and received a byte" };
  return { name, status: "warn", message: `${reason}; epoll is used`, fix: fixRing(machine) };
}

function fixRing(machine: Machine): string {
  if (!kernelAtLeast(machine, 6, 0)) return "run Linux 6.0 or newer";
  const disabled = kernelParameter(machine, "kernel.io_uring_disabled");
  if (disabled === "1" || disabled === "2") return "sysctl -w kernel.io_uring_disabled=0";
  if (/^Seccomp:\s*2/m.test(machine.read("/proc/self/status") ?? "")) {
    return "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile";
  }
  return "see docs/troubleshooting.md";
}

function openFiles(machine: Machine): Check {
  const name = "RLIMIT_NOFILE";
  const limit = processLimit(machine, "Max open files");
  if (!limit) return { name, status: "warn", message: "/proc/self/limits cannot be read" };
  const { soft, hard } = limit;
  const message = `${soft} open files`;
  if (soft >= 16384) return { name, status: "ok", message };
  const fix = hard > soft ? `ulimit -n ${Math.min(hard, 65536)}` : "raise the hard limit (limits.conf, LimitNOFILE=)";
  return { name, status: "warn", message: `${message}: with more connections than that, accepts wait`, fix };
}
