/** What a machine has and lacks for the DPDK backend. */
import type { Check } from "@demikernel/core/backend";
import { driverFolder, installedDrivers } from "./drivers.js";
import type { Machine } from "./machine.js";
import { nicChecks } from "./nics.js";
import { BUILD_PACKAGES, RUNTIME_PACKAGES } from "./packages.js";

/** What DPDK takes with the default options, the arena included: 66 MiB of slots, 19 MiB of receive buffers, the rest its own. */
const DEFAULT_MIB = 192;
const VIRTUAL = ["net_af_packet", "net_af_xdp", "net_memif", "net_virtio_user", "net_vhost"];

export function doctor(machine: Machine): Check[] {
  return [
    addon(machine),
    libraries(machine),
    virtualDevices(machine),
    hugePages(machine),
    lockedMemory(machine),
    vfio(machine),
    ...nicChecks(machine),
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
  const status = machine.read("/var/lib/dpkg/status") ?? "";
  return status
    .split("\n\n")
    .filter(
      (entry) => name.test(/^Package: (.*)$/m.exec(entry)?.[1] ?? "") && /^Status: install ok installed$/m.test(entry),
    )
    .map((entry) => /^Version: (.*)$/m.exec(entry)?.[1])[0];
}

function libraries(machine: Machine): Check {
  const name = "DPDK and lwIP";
  const dpdk = packageVersion(machine, /^librte-eal\d+$/);
  const lwip = packageVersion(machine, /^liblwip\d+$/);
  const folder = driverFolder(machine);
  const mend = `apt install ${RUNTIME_PACKAGES}`;
  if (!dpdk || !lwip) {
    const missing = [dpdk ? [] : "DPDK", lwip ? [] : "lwIP"].flat().join(" and ");
    // Libraries that dpkg knows nothing of may be there all the same: the check of the addon decides.
    return { name, status: "lack", found: `${missing} not among the installed Debian packages`, mend };
  }
  const found = `DPDK ${dpdk}, lwIP ${lwip}`;
  if (!folder || !machine.list(folder).some((file) => file.startsWith("librte_mempool_ring.so"))) {
    return { name, status: "fail", found: `${found}; the driver for memory pools (mempool_ring) is missing`, mend };
  }
  return { name, status: "ok", found: `${found}, ${installedDrivers(machine).length} network drivers` };
}

/** Bits of /proc/self/status, CapEff. */
const CAP = { NET_ADMIN: 12, NET_RAW: 13, IPC_LOCK: 14, SYS_ADMIN: 21 };

function capable(machine: Machine, capability: keyof typeof CAP): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(machine.read("/proc/self/status") ?? "")?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(CAP[capability])) & 1n) === 1n;
}

function virtualDevices(machine: Machine): Check {
  const name = "virtual devices";
  const installed = new Set(installedDrivers(machine).map((driver) => driver.name));
  const present = VIRTUAL.filter((driver) => installed.has(driver));
  // Measured: without NET_ADMIN the interface cannot be set up, and BPF with PERFMON is not enough to attach an XDP program.
  const packets = capable(machine, "NET_RAW") && capable(machine, "NET_ADMIN");
  const mayNot: Record<string, boolean> = {
    net_af_packet: !packets,
    net_af_xdp: !(packets && capable(machine, "SYS_ADMIN")),
  };
  const run = present.filter((driver) => !mayNot[driver]);
  const barred = present.filter((driver) => mayNot[driver]);
  const found = `run here without a NIC: ${run.join(", ") || "none"}`;
  if (present.length === 0) return { name, status: "lack", found, mend: `apt install ${RUNTIME_PACKAGES}` };
  if (barred.length === 0) return { name, status: "ok", found };
  if (packets) return { name, status: "lack", found: `${found}; net_af_xdp wants root or CAP_SYS_ADMIN` };
  return {
    name,
    status: "lack",
    found: `${found}; ${barred.join(" and ")} ${barred.length > 1 ? "want" : "wants"} root or capabilities`,
    mend: `setcap cap_net_raw,cap_net_admin+ep "$(readlink -f "$(command -v node)")"   # for net_af_packet; net_af_xdp wants root`,
  };
}

function hugePages(machine: Machine): Check {
  const name = "huge pages";
  const base = "/sys/kernel/mm/hugepages";
  const sizes = machine.list(base).map((folder) => {
    const count = (file: string) => Number(machine.read(`${base}/${folder}/${file}`)?.trim() ?? 0);
    const kib = Number(/^hugepages-(\d+)kB$/.exec(folder)?.[1] ?? 0);
    return { kib, total: count("nr_hugepages"), free: count("free_hugepages") };
  });
  const freeMib = sizes.reduce((sum, { kib, free }) => sum + (kib / 1024) * free, 0);
  const shown = sizes
    .filter(({ total }) => total > 0)
    .map(({ kib, total, free }) => `${free} of ${total} of ${kib / 1024} MiB free`);
  const found = shown.join(", ") || "none reserved";
  // No hugetlbfs has to be mounted: EAL takes them anonymously.
  if (freeMib >= DEFAULT_MIB) return { name, status: "ok", found };
  return {
    name,
    status: "lack",
    found: `${found}: DPDK uses ordinary pages instead, which is slower`,
    mend: `echo ${DEFAULT_MIB / 2} > ${base}/hugepages-2048kB/nr_hugepages`,
  };
}

function lockedMemory(machine: Machine): Check {
  const name = "RLIMIT_MEMLOCK";
  const row = machine
    .read("/proc/self/limits")
    ?.split("\n")
    .find((line) => line.startsWith("Max locked memory"));
  if (!row) return { name, status: "lack", found: "/proc/self/limits cannot be read" };
  const soft = row.slice("Max locked memory".length).trim().split(/\s+/)[0] ?? "";
  const bytes = soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
  const found = bytes === Number.POSITIVE_INFINITY ? "unlimited" : `${bytes} bytes`;
  if (capable(machine, "IPC_LOCK")) return { name, status: "ok", found: `${found}, and this process may exceed it` };
  if (bytes >= DEFAULT_MIB * 1024 ** 2) return { name, status: "ok", found };
  return {
    name,
    status: "lack",
    found: `${found}: too little for a PCI device, whose memory is locked for as long as it is used`,
    mend: "ulimit -l unlimited   # for good: memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service",
  };
}

function vfio(machine: Machine): Check {
  const name = "IOMMU and VFIO";
  const groups = machine.list("/sys/kernel/iommu_groups").length;
  const loaded = machine.list("/sys/bus/pci/drivers").includes("vfio-pci");
  const unsafe = machine.read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")?.trim() === "Y";
  const mode = groups > 0 ? `${groups} IOMMU groups` : unsafe ? "no IOMMU, VFIO allowed without" : "no IOMMU";
  const found = `${mode}, vfio-pci ${loaded ? "loaded" : "not loaded"}`;
  if (groups === 0 && !unsafe) {
    const mend = "add intel_iommu=on (AMD: switch it on in the firmware) to the kernel's command line and boot";
    return { name, status: "lack", found: `${found}: PCI devices cannot be used, virtual ones can`, mend };
  }
  if (!loaded) return { name, status: "lack", found, mend: "modprobe vfio-pci" };
  return { name, status: "ok", found };
}
