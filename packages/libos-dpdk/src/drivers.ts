/** Which DPDK drivers are installed, and which PCI devices they serve: drivers say so in their own files, as JSON. */
import type { Machine } from "@demikernel/core/doctor";

export interface Driver {
  /** "net_e1000_em". */
  name: string;
  /** False for drivers that work beside the kernel's and want the device left with it, as net_mlx5 does. */
  wantsVfio: boolean;
  /** Vendor and device number; 65535 for any. */
  pciIds: readonly (readonly [number, number])[];
}

interface DriverInfo {
  name: string;
  kmod?: string;
  pci_ids?: [number, number, number, number][];
}

/** The folder Debian's DPDK loads its drivers from; undefined without one. */
export function driverFolder(machine: Machine): string | undefined {
  for (const triplet of machine.list("/usr/lib")) {
    for (const version of machine.list(`/usr/lib/${triplet}/dpdk`)) {
      if (version.startsWith("pmds-")) return `/usr/lib/${triplet}/dpdk/${version}`;
    }
  }
  return undefined;
}

export function installedDrivers(machine: Machine): Driver[] {
  const folder = driverFolder(machine);
  if (folder === undefined) return [];
  return machine
    .list(folder)
    .filter((file) => /^librte_net_\w+\.so\.\d+$/.test(file))
    .flatMap((file) => driversIn(machine.readBinary(`${folder}/${file}`) ?? ""));
}

function driversIn(library: string): Driver[] {
  const found: Driver[] = [];
  for (const [, json = ""] of library.matchAll(/PMD_INFO_STRING= (\{[^\0]*\})\0/g)) {
    try {
      const { name, kmod, pci_ids } = JSON.parse(json) as DriverInfo;
      const pciIds = (pci_ids ?? []).map(([vendor, device]) => [vendor, device] as const);
      found.push({ name, wantsVfio: kmod?.includes("vfio-pci") ?? false, pciIds });
    } catch {
      // Not what it looked like.
    }
  }
  return found;
}

/** The driver that serves a PCI device. */
export function driverFor(drivers: readonly Driver[], vendor: number, device: number): Driver | undefined {
  const any = 65535;
  return drivers.find(({ pciIds }) =>
    pciIds.some(([v, d]) => (v === vendor || v === any) && (d === device || d === any)),
  );
}
