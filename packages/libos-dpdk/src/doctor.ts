/** What a machine has for the DPDK backend, and what is missing. */
import {
  addonCheck,
  type Check,
  capable,
  hugePages,
  lockedMemory,
  type Machine,
  packageVersion,
  vfio,
} from "@demikernel/core/doctor";
import { driverFolder, installedDrivers } from "./drivers.js";
import { nicChecks } from "./nics.js";
import { packages, RUNTIME_PACKAGES } from "./packages.js";

/** What DPDK takes with the default options, the arena included: 66 MiB of slots, 19 MiB of receive buffers, the rest its own. */
const DEFAULT_MIB = 192;
const VIRTUAL = ["net_af_packet", "net_af_xdp", "net_memif", "net_virtio_user", "net_vhost"];

/** `whyNoAddon` loads the addon to find out: why it cannot be loaded; undefined when it can. */
export function doctor(machine: Machine, whyNoAddon: () => string | undefined): Check[] {
  return [
    addonCheck(whyNoAddon(), packages),
    libraries(machine),
    virtualDevices(machine),
    // No hugetlbfs has to be mounted: EAL takes them anonymously.
    hugePages(machine, DEFAULT_MIB, "DPDK uses ordinary pages instead, which is slower"),
    lockedMemory(
      machine,
      DEFAULT_MIB * 2 ** 20,
      `a PCI device locks its memory for as long as it is used, ${DEFAULT_MIB} MiB with the default options`,
    ),
    vfio(machine, "PCI devices cannot be used, virtual ones can"),
    ...nicChecks(machine),
  ];
}

function libraries(machine: Machine): Check {
  const name = "DPDK and lwIP";
  const dpdk = packageVersion(machine, /^librte-eal\d+$/);
  const lwip = packageVersion(machine, /^liblwip\d+$/);
  const folder = driverFolder(machine);
  const fix = `apt install ${RUNTIME_PACKAGES}`;
  if (!dpdk || !lwip) {
    const missing = [dpdk ? [] : "DPDK", lwip ? [] : "lwIP"].flat().join(" and ");
    // Libraries that dpkg knows nothing of may be there all the same: the check of the addon decides.
    return { name, status: "warn", message: `${missing} not among the installed Debian packages`, fix };
  }
  const message = `DPDK ${dpdk}, lwIP ${lwip}`;
  if (!folder || !machine.list(folder).some((file) => file.startsWith("librte_mempool_ring.so"))) {
    return { name, status: "fail", message: `${message}; the driver for memory pools (mempool_ring) is missing`, fix };
  }
  return { name, status: "ok", message: `${message}, ${installedDrivers(machine).length} network drivers` };
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
  const message = `run here without a NIC: ${run.join(", ") || "none"}`;
  if (present.length === 0) return { name, status: "warn", message, fix: `apt install ${RUNTIME_PACKAGES}` };
  if (barred.length === 0) return { name, status: "ok", message };
  if (packets) return { name, status: "warn", message: `${message}; net_af_xdp wants root or CAP_SYS_ADMIN` };
  return {
    name,
    status: "warn",
    message: `${message}; ${barred.join(" and ")} ${barred.length > 1 ? "want" : "wants"} root or capabilities`,
    fix: `setcap cap_net_raw,cap_net_admin+ep "$(readlink -f "$(command -v node)")"   # for net_af_packet; net_af_xdp wants root`,
  };
}
