/** The NVMe controllers on the PCI bus: which driver has each, and what in this machine uses it. */
import { type Machine, PCI_DEVICES } from "@demikernel/core/doctor";

export interface Controller {
  /** Domain, bus, device and function: "0000:01:00.0". */
  address: string;
  /** "144d:a808" */
  id: string;
  /** Undefined when none has it. */
  driver: string | undefined;
  /** The IOMMU's group; undefined where no IOMMU stands before it. */
  group: string | undefined;
  /** The kernel's disks on it: "nvme0n1". None unless the kernel's driver has it. */
  disks: string[];
}

/** Mass storage, non-volatile memory, NVM Express (PCI Code and ID Assignment Specification 1.11, section 1.2). */
const NVME_CLASS = 0x010802;

/** Drivers through which a process drives a controller. */
export const USER_DRIVERS = ["vfio-pci", "uio_pci_generic"] as const;
export const KERNEL_DRIVER = "nvme";

export function controllers(machine: Machine): Controller[] {
  return machine
    .list(PCI_DEVICES)
    .flatMap((address) => (isNvme(machine, address) ? [controllerAt(machine, address)] : []));
}

export function isNvme(machine: Machine, address: string): boolean {
  return Number(machine.read(`${PCI_DEVICES}/${address}/class`)) === NVME_CLASS;
}

export function controllerAt(machine: Machine, address: string): Controller {
  const folder = `${PCI_DEVICES}/${address}`;
  const id = (file: string) => (machine.read(`${folder}/${file}`) ?? "0x????").slice(2);
  return {
    address,
    id: `${id("vendor")}:${id("device")}`,
    driver: machine.link(`${folder}/driver`),
    group: machine.link(`${folder}/iommu_group`),
    disks: machine
      .list(`${folder}/nvme`)
      .flatMap((controller) => machine.list(`${folder}/nvme/${controller}`))
      .filter((name) => /^nvme\d+(c\d+)?n\d+$/.test(name))
      // With multipath the kernel's disk is nvme0n1, and nvme0c0n1 the way to it through this controller.
      .map((name) => name.replace(/c\d+/, "")),
  };
}

/** What uses the controller's disks, as "nvme0n1p2 is mounted on /"; undefined when nothing is seen to. */
export function useOf(machine: Machine, { disks }: Controller): string | undefined {
  for (const disk of disks) {
    const folder = `/sys/class/block/${disk}`;
    const partitions = machine.list(folder).filter((name) => machine.exists(`${folder}/${name}/partition`));
    for (const name of [disk, ...partitions]) {
      const use = useOfBlockDevice(machine, name, name === disk ? folder : `${folder}/${name}`);
      if (use !== undefined) return use;
    }
  }
  return undefined;
}

function useOfBlockDevice(machine: Machine, name: string, folder: string): string | undefined {
  const place = mountPoint(machine, name, machine.read(`${folder}/dev`));
  if (place !== undefined) return `${name} is mounted on ${place}`;
  const swaps = (machine.read("/proc/swaps") ?? "").split("\n").map((line) => unescaped(line.split(/\s+/)[0]));
  if (swaps.includes(`/dev/${name}`)) return `${name} is swap`;
  const [holder] = machine.list(`${folder}/holders`);
  return holder === undefined ? undefined : `${name} is held by ${holder}`;
}

/** Where it is mounted. File systems over several devices (btrfs) have a number of no device, but name one as their source. */
function mountPoint(machine: Machine, name: string, number: string | undefined): string | undefined {
  // proc(5): id, parent, major:minor, root, mount point, options, optional fields, "-", type, source, options of the superblock.
  for (const line of (machine.read("/proc/self/mountinfo") ?? "").split("\n")) {
    const [own, filesystem = ""] = line.split(" - ");
    const [, , device, , place] = own.split(" ");
    if (place === undefined) continue;
    if ((number !== undefined && device === number) || unescaped(filesystem.split(" ")[1]) === `/dev/${name}`)
      return unescaped(place);
  }
  return undefined;
}

/** White space and backslashes stand in these files as octal numbers: "\040". */
function unescaped(text = ""): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Devices of the controller's IOMMU group that the kernel still has: VFIO opens a group only as a whole. */
export function groupRivals(machine: Machine, { address, group }: Controller): string[] {
  if (group === undefined) return [];
  return machine.list(`/sys/kernel/iommu_groups/${group}/devices`).flatMap((other) => {
    const driver = machine.link(`${PCI_DEVICES}/${other}/driver`);
    const isRival = other !== address && driver !== undefined && !["vfio-pci", "pci-stub", "pcieport"].includes(driver);
    return isRival ? [`${other} (${driver})`] : [];
  });
}
