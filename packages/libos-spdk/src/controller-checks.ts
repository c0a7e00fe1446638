/** The doctor's findings on NVMe controllers: who has each, and how a libOS gets it. */
import { type Check, hugePages, lockedMemory, type Machine, vfio, vfioGroup } from "@demikernel/core/doctor";
import { type Controller, controllers, groupRivals, useOf } from "./controllers.js";

/** What a controller reaches with the default options: 66 MiB of slots, what commits are laid out in and what is read into, and its queues. */
const REACHED_MIB = 96;

/** One check per controller, and what driving them takes; without a controller, one that says so: files and block devices need none. */
export function controllerChecks(machine: Machine): Check[] {
  const all = controllers(machine);
  if (all.length === 0)
    return [
      { name: "NVMe controllers", status: "ok", message: "none on the PCI bus: logs are on files and block devices" },
    ];
  return [...prerequisites(machine, all), ...all.map((controller) => check(machine, controller))];
}

/** Of the controllers that a libOS may get: who keeps all of them in use is not told what driving them would need. */
function prerequisites(machine: Machine, all: readonly Controller[]): Check[] {
  const free = all.filter((controller) => useOf(machine, controller) === undefined);
  if (free.length === 0) return [];
  const checks = [
    vfio(machine, "controllers are driven by uio_pci_generic, as root, and nothing guards memory against them"),
  ];
  if (free.some(({ group }) => group !== undefined)) {
    const need = `a controller behind the IOMMU locks the libOS's memory, ${REACHED_MIB} MiB with the default options`;
    checks.push(lockedMemory(machine, REACHED_MIB * 2 ** 20, need));
  }
  if (free.some(({ group }) => group === undefined))
    checks.push(
      hugePages(machine, REACHED_MIB, "a controller without an IOMMU group needs the libOS's memory in them"),
    );
  return checks;
}

function check(machine: Machine, controller: Controller): Check {
  const { address, id, driver, group, disks } = controller;
  const name = `NVMe ${address}`;
  const where = group === undefined ? "no IOMMU group" : `IOMMU group ${group}`;
  const what = `${id}, ${[driver ?? "no driver", ...disks].join(" ")}, ${where}`;
  const ready = `ready for device: "nvme:${address}"`;
  if (driver === "vfio-pci") return boundToVfio(machine, controller, name, what, ready);
  if (driver === "uio_pci_generic") return { name, status: "ok", message: `${what}: ${ready}, for root` };
  const use = useOf(machine, controller);
  if (use !== undefined)
    return { name, status: "ok", message: `${what}: the kernel uses it (${use}); it is not offered for binding` };
  return {
    name,
    status: "warn",
    message: `${what}: a libOS can drive it once it is bound`,
    fix: `demi-log bind ${address}`,
  };
}

function boundToVfio(machine: Machine, controller: Controller, name: string, what: string, ready: string): Check {
  const rivals = groupRivals(machine, controller);
  if (rivals.length > 0) {
    const message = `${what}: the group is not usable while the kernel has ${rivals.join(", ")}`;
    return {
      name,
      status: "warn",
      message,
      fix: `demi-log unbind ${controller.address}   # or give vfio-pci the others too`,
    };
  }
  const group = vfioGroup(machine, controller.address);
  if (group.accessible) return { name, status: "ok", message: `${what}: ${ready}` };
  const message = `${what}: this user may not use its group`;
  return { name, status: "warn", message, fix: `chown "$USER" ${group.file}` };
}
