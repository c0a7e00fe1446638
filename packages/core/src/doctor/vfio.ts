/** PCI devices that a process drives by itself: VFIO, and the IOMMU behind it. */
import type { Check } from "../backend.js";
import type { Machine } from "./machine.js";

export const PCI_DEVICES = "/sys/bus/pci/devices";

/** Whether devices can be given to processes; `without` says what that means where they cannot. */
export function vfio(machine: Machine, without: string): Check {
  const name = "IOMMU and VFIO";
  const groups = machine.list("/sys/kernel/iommu_groups").length;
  const loaded = machine.list("/sys/bus/pci/drivers").includes("vfio-pci");
  const unsafe = machine.read("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") === "Y";
  const mode = groups > 0 ? `${groups} IOMMU groups` : unsafe ? "no IOMMU, VFIO allowed without" : "no IOMMU";
  const message = `${mode}, vfio-pci ${loaded ? "loaded" : "not loaded"}`;
  if (groups === 0 && !unsafe) {
    const fix = "add intel_iommu=on (AMD: switch it on in the firmware) to the kernel's command line and boot";
    return { name, status: "warn", message: `${message}: ${without}`, fix };
  }
  if (!loaded) return { name, status: "warn", message, fix: "modprobe vfio-pci" };
  return { name, status: "ok", message };
}

/** The line that takes a device from the kernel and gives it to vfio-pci, until the next boot. */
export function bindToVfio(address: string): string {
  const device = `${PCI_DEVICES}/${address}`;
  return (
    `modprobe vfio-pci && echo vfio-pci > ${device}/driver_override && ` +
    `{ [ ! -e ${device}/driver ] || echo ${address} > ${device}/driver/unbind; } && ` +
    `echo ${address} > /sys/bus/pci/drivers_probe`
  );
}

/** The file through which a process reaches a device that is bound to vfio-pci, and whether this one may use it. */
export function vfioGroup(machine: Machine, address: string): { file: string; accessible: boolean } {
  const group = machine.link(`${PCI_DEVICES}/${address}/iommu_group`) ?? "none";
  // Without an IOMMU (enable_unsafe_noiommu_mode) the group's file has another name.
  const files = [`/dev/vfio/${group}`, `/dev/vfio/noiommu-${group}`] as const;
  return { file: files[0], accessible: files.some((file) => machine.accessible(file)) };
}
