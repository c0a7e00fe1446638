/** What a machine has and lacks for the RDMA backend. */
import type { Check } from "@demikernel/core/backend";
import { deviceChecks, deviceFiles } from "./devices.js";
import type { Machine } from "./machine.js";
import { BUILD_PACKAGES, RUNTIME_PACKAGES } from "./packages.js";

/** What is registered with a device under the default options: 66 MiB of slots, 80 MiB of receives, 1 MiB to send headers from. */
const DEFAULT_MIB = 147;

export function doctor(machine: Machine): Check[] {
  const devices = deviceChecks(machine);
  const files = deviceFiles(machine);
  const memory = lockedMemory(machine);
  return [
    addon(machine),
    libfabric(machine),
    ...devices,
    files,
    memory,
    verbs(machine, devices, files),
    withoutDevice(machine, "tcp"),
    withoutDevice(machine, "shm"),
  ];
}

function addon({ whyNoAddon }: Machine): Check {
  const reason = whyNoAddon();
  if (reason === undefined) return { name: "addon", status: "ok", found: "the native addon loads" };
  const mend = reason.includes("is not built")
    ? `apt install ${BUILD_PACKAGES} && pnpm build   # in a checkout`
    : `apt install ${RUNTIME_PACKAGES}`;
  return { name: "addon", status: "fail", found: reason, mend };
}

/** The version of an installed Debian package whose name matches. */
function packageVersion(machine: Machine, name: RegExp): string | undefined {
  const entries = (machine.read("/var/lib/dpkg/status") ?? "").split("\n\n");
  const entry = entries.find(
    (text) => name.test(/^Package: (.*)$/m.exec(text)?.[1] ?? "") && /^Status: install ok installed$/m.test(text),
  );
  return /^Version: (.*)$/m.exec(entry ?? "")?.[1];
}

function libfabric(machine: Machine): Check {
  const name = "libfabric";
  const version = packageVersion(machine, /^libfabric1(t64)?$/);
  const drivers = machine.list("/etc/libibverbs.d").map((file) => file.replace(/\.driver$/, ""));
  // A library that dpkg knows nothing of may be there all the same: the check of the addon decides.
  if (!version) {
    const found = "not among the installed Debian packages";
    return { name, status: "lack", found, mend: `apt install ${RUNTIME_PACKAGES}` };
  }
  if (drivers.length === 0) {
    const found = `libfabric ${version}, without any driver for RDMA devices`;
    return { name, status: "lack", found, mend: "apt install ibverbs-providers" };
  }
  return { name, status: "ok", found: `libfabric ${version}; drivers of RDMA devices: ${drivers.join(", ")}` };
}

/** Bit of /proc/self/status, CapEff. */
const CAP_IPC_LOCK = 14n;

function lockedMemory(machine: Machine): Check {
  const name = "RLIMIT_MEMLOCK";
  const label = "Max locked memory";
  const row = machine
    .read("/proc/self/limits")
    ?.split("\n")
    .find((line) => line.startsWith(label));
  const [soft, hard] = row?.slice(label.length).trim().split(/\s+/) ?? [];
  if (soft === undefined || hard === undefined) {
    return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  }
  const bytes = (text: string) => (text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text));
  const shown = (text: string) => (text === "unlimited" ? text : `${text} bytes`);
  const found = `soft limit ${shown(soft)}, hard limit ${shown(hard)}`;
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(machine.read("/proc/self/status") ?? "")?.[1] ?? "0";
  if (((BigInt(`0x${mask}`) >> CAP_IPC_LOCK) & 1n) === 1n) {
    return { name, status: "ok", found: `${found}; this process may exceed it` };
  }
  const needed = DEFAULT_MIB * 2 ** 20;
  if (bytes(soft) >= needed) return { name, status: "ok", found };
  return {
    name,
    status: "lack",
    found: `${found}: an RDMA device locks the arena and the receives, ${DEFAULT_MIB} MiB with the default options`,
    mend:
      bytes(hard) >= needed
        ? `ulimit -l ${hard === "unlimited" ? hard : Math.floor(bytes(hard) / 1024)}`
        : "raise memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service, and log in again",
  };
}

function verbs(machine: Machine, devices: Check[], files: Check): Check {
  const name = "provider verbs";
  const up = devices.some(({ status }) => status === "ok");
  const missing = up ? (files.status === "ok" ? undefined : files) : devices[0];
  if (missing) {
    return { name, status: "lack", found: `not tried, because of "${missing.name}" above; provider auto takes tcp` };
  }
  const reason = machine.whyNoProvider("verbs");
  if (reason === undefined) return { name, status: "ok", found: "a libOS opened over an RDMA device" };
  return { name, status: "lack", found: `${reason}; provider auto takes tcp` };
}

/** Those that any machine has. Not RDMA, and never called so. */
function withoutDevice(machine: Machine, provider: "tcp" | "shm"): Check {
  const name = `provider ${provider}`;
  const reason = machine.whyNoProvider(provider);
  const over = { tcp: "the kernel's TCP", shm: "memory shared by processes of this host" }[provider];
  if (reason === undefined) return { name, status: "ok", found: `a libOS opened over ${over}` };
  return { name, status: "fail", found: reason };
}
