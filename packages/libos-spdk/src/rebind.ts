/**
 * Hands an NVMe controller from one driver to another, through sysfs: Linux, Documentation/ABI/testing/sysfs-bus-pci (driver_override, unbind,
 * drivers_probe). Until the next boot.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, writeFileSync } from "node:fs";
import { DemiError } from "@demikernel/core";
import { type Machine, machineAt, PCI_DEVICES } from "@demikernel/core/doctor";
import { type Controller, controllerAt, isNvme, KERNEL_DRIVER, useOf } from "./controllers.js";

/** The machine, and what rebinding does to it. Tests have one that is made of files. */
export interface Host {
  readonly machine: Machine;
  readonly isRoot: boolean;
  /** Throws what the file system does, with a `code`. */
  write(path: string, text: string): void;
  /** True where opening it for this process alone is EBUSY: a disk that something claims, a VFIO group that a process has. */
  isBusy(path: string): boolean;
  /** Loads a module of the kernel; why it could not, undefined when it could. */
  modprobe(name: string): string | undefined;
}

export function thisHost(): Host {
  return {
    machine: machineAt(),
    isRoot: process.geteuid?.() === 0,
    write: (path, text) => writeFileSync(path, text, { flag: "w" }),
    isBusy,
    modprobe: (name) => {
      const { status, error, stderr } = spawnSync("modprobe", [name], { encoding: "utf8" });
      return status === 0 ? undefined : (error?.message ?? stderr.trim());
    },
  };
}

function isBusy(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_EXCL));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EBUSY";
  }
}

const PROBE = "/sys/bus/pci/drivers_probe";

/** What is written where. */
export interface Step {
  file: string;
  text: string;
}

export interface Rebinding {
  address: string;
  /** The driver before; null when none had it. */
  from: string | null;
  to: string;
  group: string | null;
  /** A module that is to be loaded first. */
  modprobe: string | null;
  /** None where the driver has it already. */
  steps: Step[];
}

/** As sysfs writes it; the domain may be left out. Throws DemiError EINVAL. */
export function parseAddress(text: string): string {
  const [, domain = "0000", rest] =
    /^(?:nvme:)?(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/i.exec(text) ?? [];
  if (rest === undefined) throw new DemiError("EINVAL", "bind", `"${text}" is no PCI address, as 0000:01:00.0`);
  return `${domain}:${rest}`.toLowerCase();
}

/**
 * What there is to do, in order. `to`: "vfio-pci", "uio_pci_generic", "nvme"; by default vfio-pci, or uio_pci_generic where there is no IOMMU
 * group. Throws DemiError: ENODEV, no such device; EINVAL, it is no NVMe controller; EBUSY, it is in use, and by what.
 */
export function plan({ machine, isBusy }: Host, address: string, to?: string): Rebinding {
  const folder = `${PCI_DEVICES}/${address}`;
  if (!machine.exists(folder)) throw new DemiError("ENODEV", "bind", `there is no PCI device ${address}`);
  if (!isNvme(machine, address)) {
    const what = `class ${machine.read(`${folder}/class`) ?? "unknown"}, not 0x010802`;
    throw new DemiError("EINVAL", "bind", `${address} is no NVMe controller (${what})`);
  }
  const controller = controllerAt(machine, address);
  const { driver, group } = controller;
  const target = to ?? (group === undefined ? "uio_pci_generic" : "vfio-pci");
  const rebinding = { address, from: driver ?? null, to: target, group: group ?? null };
  if (driver === target) return { ...rebinding, modprobe: null, steps: [] };
  if (target === "vfio-pci" && group === undefined && !noIommuAllowed(machine))
    throw new DemiError("ENODEV", "bind", `${address} has no IOMMU group, without which vfio-pci takes none`);
  const use = useOf(machine, controller) ?? claim(controller, isBusy);
  if (use !== undefined) throw new DemiError("EBUSY", "bind", `${address} is in use: ${use}`);
  const steps = [
    // An empty line takes it away: any driver that knows the device may have it then.
    { file: `${folder}/driver_override`, text: target === KERNEL_DRIVER ? "\n" : `${target}\n` },
    ...(driver === undefined ? [] : [{ file: `${folder}/driver/unbind`, text: `${address}\n` }]),
    { file: PROBE, text: `${address}\n` },
  ];
  return { ...rebinding, modprobe: isLoaded(machine, target) ? null : target, steps };
}

/** What the files do not tell: ZFS, a process that has the disk for itself, a process that drives the controller through VFIO. */
function claim({ disks, driver, group }: Controller, isBusy: Host["isBusy"]): string | undefined {
  const disk = disks.find((name) => isBusy(`/dev/${name}`));
  if (disk !== undefined) return `something has claimed ${disk}`;
  if (driver !== "vfio-pci") return undefined;
  const groupFiles = [`/dev/vfio/${group}`, `/dev/vfio/noiommu-${group}`];
  return groupFiles.some(isBusy) ? "a process drives it through VFIO" : undefined;
}

/**
 * Does it. Throws DemiError as plan() does, and EPERM without the right to, ENOENT when the kernel has no such driver, ENODEV when that driver
 * does not take the device, which is offered to the kernel's then.
 */
export function rebind(host: Host, address: string, to?: string): Rebinding {
  const rebinding = plan(host, address, to);
  if (rebinding.steps.length === 0) return rebinding;
  if (!host.isRoot) throw new DemiError("EPERM", "bind", `${address} goes to another driver for root only: use sudo`);
  if (rebinding.modprobe !== null) {
    const why = host.modprobe(rebinding.modprobe);
    if (!isLoaded(host.machine, rebinding.to))
      throw new DemiError("ENOENT", "bind", `the kernel has no driver ${rebinding.to}${why ? `: ${why}` : ""}`);
  }
  try {
    for (const { file, text } of rebinding.steps) write(host, file, text);
  } catch (error) {
    giveBack(host, address);
    throw error;
  }
  if (controllerAt(host.machine, address).driver === rebinding.to) return rebinding;
  giveBack(host, address);
  const now = controllerAt(host.machine, address).driver ?? "no driver";
  throw new DemiError("ENODEV", "bind", `${rebinding.to} does not take ${address}, which ${now} has: see dmesg`);
}

/** After something has failed: as far as it goes. */
function giveBack(host: Host, address: string): void {
  try {
    host.write(`${PCI_DEVICES}/${address}/driver_override`, "\n");
    if (controllerAt(host.machine, address).driver === undefined) host.write(PROBE, `${address}\n`);
  } catch {
    // What failed first is what is told.
  }
}

function noIommuAllowed(machine: Machine): boolean {
  return machine.read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") === "Y";
}

function isLoaded(machine: Machine, driver: string): boolean {
  return machine.exists(`/sys/bus/pci/drivers/${driver}`);
}

function write(host: Host, file: string, text: string): void {
  try {
    host.write(file, text);
  } catch (error) {
    const { code = "EIO", message } = error as NodeJS.ErrnoException;
    throw new DemiError(code === "EACCES" ? "EPERM" : code, "bind", message, undefined, error);
  }
}
