/** NVMe controllers on machines made of files. */
import type { Files } from "../../core/test/machine-root.js";

/** A controller as sysfs shows it. */
export function controller(
  address: string,
  { driver, disks = [], group }: { driver?: string; disks?: string[]; group?: string },
): Files {
  const folder = `/sys/bus/pci/devices/${address}`;
  return {
    [`${folder}/class`]: "0x010802\n",
    [`${folder}/vendor`]: "0x1b36\n",
    [`${folder}/device`]: "0x0010\n",
    ...(driver ? { [`${folder}/driver`]: `-> ../../../bus/pci/drivers/${driver}` } : {}),
    ...(group ? { [`${folder}/iommu_group`]: `-> ../../../../kernel/iommu_groups/${group}` } : {}),
    ...Object.fromEntries(disks.map((disk) => [`${folder}/nvme/nvme0/${disk}/size`, "1000\n"])),
  };
}

/** Drivers that the kernel has loaded. */
export function drivers(...names: string[]): Files {
  return Object.fromEntries(names.map((name) => [`/sys/bus/pci/drivers/${name}/bind`, ""]));
}

/** Devices of an IOMMU group, with the drivers they have. */
export function group(name: string, members: Record<string, string>): Files {
  return Object.fromEntries(
    Object.entries(members).flatMap(([address, driver]) => [
      [`/sys/kernel/iommu_groups/${name}/devices/${address}/class`, ""],
      [`/sys/bus/pci/devices/${address}/driver`, `-> ../../../bus/pci/drivers/${driver}`],
    ]),
  );
}
