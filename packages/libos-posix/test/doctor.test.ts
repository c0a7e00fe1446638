import { doctor, type Machine } from "../src/doctor.js";
import { missingEngine, posix } from "./engines.js";

const files = {
  "/proc/sys/kernel/io_uring_disabled": "0\n",
  "/proc/self/status": "Name:\tnode\nSeccomp:\t0\n",
  "/proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max open files            65536                1048576              files     \n" +
    "Max locked memory         8388608              8388608              bytes     \n",
};

function check(name: string, change: Partial<Omit<Machine, "read">> & { files?: Record<string, string> } = {}) {
  const all: Record<string, string> = { ...files, ...change.files };
  const machine: Machine = {
    kernel: "6.1.0-18-amd64",
    whyNoRing: () => undefined,
    ...change,
    read: (path) => all[path],
  };
  return doctor(machine).find((c) => c.name === name);
}

test("a machine that has everything", () => {
  for (const name of ["kernel", "io_uring", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"]) {
    expect(check(name)).toMatchObject({ status: "ok" });
  }
});

test("older kernels", () => {
  expect(check("kernel", { kernel: "6.0.19" })).toMatchObject({
    status: "lack",
    found: expect.stringContaining("deferred"),
  });
  expect(check("kernel", { kernel: "5.15.0-91-generic" })?.found).toContain("epoll is used");
  expect(check("kernel", { kernel: "5.4.0" })?.found).toContain("milliseconds");
  expect(check("io_uring", { kernel: "5.15.0", whyNoRing: () => "no multishot" })?.mend).toBe("run Linux 6.0 or newer");
});

test("io_uring forbidden by sysctl, by seccomp, or for a reason of its own", () => {
  const whyNoRing = () => "io_uring_setup: Operation not permitted";
  expect(check("io_uring", { whyNoRing, files: { "/proc/sys/kernel/io_uring_disabled": "2\n" } })).toEqual({
    name: "io_uring",
    status: "lack",
    found: "io_uring_setup: Operation not permitted; epoll is used",
    mend: "sysctl -w kernel.io_uring_disabled=0",
  });
  expect(check("io_uring", { whyNoRing, files: { "/proc/self/status": "Seccomp:\t2\n" } })?.mend).toContain("seccomp");
  expect(check("io_uring", { whyNoRing })?.mend).toContain("troubleshooting");
});

test("limits of the process", () => {
  const limits = (open: string, locked: string) => ({
    "/proc/self/limits": `Max open files            ${open}              files\nMax locked memory         ${locked}    bytes\n`,
  });
  expect(check("RLIMIT_NOFILE", { files: limits("1024  524288", "65536 65536") })).toMatchObject({
    status: "lack",
    mend: "ulimit -n 65536",
  });
  expect(check("RLIMIT_NOFILE", { files: limits("1024  1024", "65536 65536") })?.mend).toContain("hard limit");
  expect(check("RLIMIT_MEMLOCK", { kernel: "5.10.0", files: limits("65536 65536", "65536 65536") })).toMatchObject({
    status: "lack",
    mend: "ulimit -l 8192",
  });
  expect(check("RLIMIT_MEMLOCK", { files: limits("65536 65536", "unlimited unlimited") })?.found).toBe("unlimited");
  expect(check("RLIMIT_NOFILE", { files: { "/proc/self/limits": "" } })).toMatchObject({ status: "lack" });
});

test("this machine, through the addon", async () => {
  const checks = await posix.doctor();
  expect(checks.map((c) => c.name)).toEqual(["kernel", "io_uring", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"]);
  expect(checks[1]?.status).toBe(missingEngine === undefined ? "ok" : "lack");
});
