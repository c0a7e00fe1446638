/** What a machine has for the RDMA backend, and what is missing. */
import { addonCheck, type Check, lockedMemory, type Machine, packageVersion } from "@demikernel/core/doctor";
import type { Provider } from "./addon.js";
import { deviceChecks, deviceFiles } from "./devices.js";
import { packages, RUNTIME_PACKAGES } from "./packages.js";

/** What is registered with a device under the default options: 66 MiB of slots, 80 MiB of receives, 1 MiB to send headers from. */
const DEFAULT_MIB = 147;

/** What can only be found out by trying. */
export interface Trials {
  /** Why the addon cannot be loaded; undefined when it can. */
  whyNoAddon(): string | undefined;
  /** Why no libOS opens over a provider; undefined when one does. */
  whyNoProvider(provider: Provider): string | undefined;
}

export function doctor(machine: Machine, trials: Trials): Check[] {
  const devices = deviceChecks(machine);
  const files = deviceFiles(machine);
  const memory = lockedMemory(
    machine,
    DEFAULT_MIB * 2 ** 20,
    `an RDMA device locks the arena and the receives, ${DEFAULT_MIB} MiB with the default options`,
  );
  return [
    addonCheck(trials.whyNoAddon(), packages),
    libfabric(machine),
    ...devices,
    files,
    memory,
    verbs(trials, devices, files),
    withoutDevice(trials, "tcp"),
    withoutDevice(trials, "shm"),
  ];
}

function libfabric(machine: Machine): Check {
  const name = "libfabric";
  const version = packageVersion(machine, /^libfabric1(t64)?$/);
  const drivers = machine.list("/etc/libibverbs.d").map((file) => file.replace(/\.driver$/, ""));
  // A library that dpkg knows nothing of may be there all the same: the check of the addon decides.
  if (!version) {
    const message = "not among the installed Debian packages";
    return { name, status: "warn", message, fix: `apt install ${RUNTIME_PACKAGES}` };
  }
  if (drivers.length === 0) {
    const message = `libfabric ${version}, without any driver for RDMA devices`;
    return { name, status: "warn", message, fix: "apt install ibverbs-providers" };
  }
  return { name, status: "ok", message: `libfabric ${version}; drivers of RDMA devices: ${drivers.join(", ")}` };
}

function verbs(trials: Trials, devices: Check[], files: Check): Check {
  const name = "provider verbs";
  const up = devices.some(({ status }) => status === "ok");
  const missing = up ? (files.status === "ok" ? undefined : files) : devices[0];
  if (missing) {
    return { name, status: "warn", message: `not tried, because of "${missing.name}" above; provider auto takes tcp` };
  }
  const reason = trials.whyNoProvider("verbs");
  if (reason === undefined) return { name, status: "ok", message: "a libOS opened over an RDMA device" };
  return { name, status: "warn", message: `${reason}; provider auto takes tcp` };
}

/** Those that any machine has. Not RDMA, and never called so. */
function withoutDevice(trials: Trials, provider: "tcp" | "shm"): Check {
  const name = `provider ${provider}`;
  const reason = trials.whyNoProvider(provider);
  const over = { tcp: "the kernel's TCP", shm: "memory shared by processes of this host" }[provider];
  if (reason === undefined) return { name, status: "ok", message: `a libOS opened over ${over}` };
  return { name, status: "fail", message: reason };
}
