import { machineAt } from "@demikernel/core/doctor";
import { type Files, machineRoot } from "../../core/test/machine-root.js";
import { doctor } from "../src/doctor.js";
import { missingEngine, posix } from "./engines.js";

const everything: Files = {
  "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n",
  "/proc/sys/kernel/io_uring_disabled": "0\n",
  "/proc/self/status": "Name:\tnode\nSeccomp:\t0\n",
  "/proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max open files            65536                1048576              files     \n" +
    "Max locked memory         8388608              8388608              bytes     \n",
};

interface Change {
  kernel?: string;
  files?: Files;
  whyNoRing?: () => string | undefined;
}

function check(name: string, { kernel, files, whyNoRing = () => undefined }: Change = {}) {
  const release = kernel === undefined ? {} : { "/proc/sys/kernel/osrelease": `${kernel}\n` };
  const machine = machineAt(machineRoot({ ...everything, ...files, ...release }));
  return doctor(machine, whyNoRing).find((one) => one.name === name);
}

test("a machine that has everything", () => {
  for (const name of ["kernel", "io_uring", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"]) {
    expect(check(name)).toMatchObject({ status: "ok" });
  }
});

test("older kernels", () => {
  expect(check("kernel", { kernel: "6.0.19" })).toMatchObject({
    status: "warn",
    message: expect.stringContaining("deferred"),
  });
  expect(check("kernel", { kernel: "5.15.0-91-generic" })?.message).toContain("epoll is used");
  expect(check("kernel", { kernel: "5.4.0" })?.message).toContain("milliseconds");
  expect(check("io_uring", { kernel: "5.15.0", whyNoRing: () => "no multishot" })?.fix).toBe("run Linux 6.0 or newer");
});

test("io_uring forbidden by sysctl, by seccomp, or for a reason of its own", () => {
  const whyNoRing = () => "io_uring_setup: Operation not permitted";
  expect(check("io_uring", { whyNoRing, files: { "/proc/sys/kernel/io_uring_disabled": "2\n" } })).toEqual({
    name: "io_uring",
    status: "warn",
    message: "io_uring_setup: Operation not permitted; epoll is used",
    fix: "sysctl -w kernel.io_uring_disabled=0",
  });
  expect(check("io_uring", { whyNoRing, files: { "/proc/self/status": "Seccomp:\t2\n" } })?.fix).toContain("seccomp");
  expect(check("io_uring", { whyNoRing })?.fix).toContain("troubleshooting");
});

test("limits of the process", () => {
  const limits = (open: string, locked: string) => ({
    "/proc/self/limits": `Max open files            ${open}              files\nMax locked memory         ${locked}    bytes\n`,
  });
  expect(check("RLIMIT_NOFILE", { files: limits("1024  524288", "65536 65536") })).toMatchObject({
    status: "warn",
    fix: "ulimit -n 65536",
  });
  expect(check("RLIMIT_NOFILE", { files: limits("1024  1024", "65536 65536") })?.fix).toContain("hard limit");
  expect(check("RLIMIT_MEMLOCK", { kernel: "5.10.0", files: limits("65536 65536", "65536 65536") })).toMatchObject({
    status: "warn",
    fix: expect.stringMatching(/^raise memlock/),
  });
  expect(check("RLIMIT_MEMLOCK", { files: limits("65536 65536", "unlimited unlimited") })?.message).toBe(
    "soft limit unlimited, hard limit unlimited",
  );
  expect(check("RLIMIT_NOFILE", { files: { "/proc/self/limits": "" } })).toMatchObject({ status: "warn" });
});

test("this machine, through the addon", async () => {
  const checks = await posix.doctor();
  expect(checks.map((c) => c.name)).toEqual(["kernel", "io_uring", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK"]);
  expect(checks[1]?.status).toBe(missingEngine === undefined ? "ok" : "warn");
});
