/** The network cards on the PCI bus: who drives them now, and how DPDK gets them. */
import { bindToVfio, type Check, type Machine, PCI_DEVICES, vfioGroup } from "@demikernel/core/doctor";
import { type Driver, driverFor, installedDrivers } from "./drivers.js";

interface Nic {
  address: string;
  vendor: number;
  device: number;
  /** The kernel's driver, vfio-pci among them; undefined when none has it. */
  kernelDriver: string | undefined;
  interfaces: string[];
}

/** One check per card; without a card, one that says so. */
export function nicChecks(machine: Machine): Check[] {
  const nics = machine.list(PCI_DEVICES).flatMap((address) => nicAt(machine, address) ?? []);
  if (nics.length === 0) {
    return [
      { name: "NICs", status: "warn", message: "no network card on the PCI bus: only virtual devices can be used" },
    ];
  }
  const drivers = installedDrivers(machine);
  return nics.map((nic) => check(machine, nic, driverFor(drivers, nic.vendor, nic.device)));
}

function nicAt(machine: Machine, address: string): Nic | undefined {
  const file = (name: string) => machine.read(`${PCI_DEVICES}/${address}/${name}`) ?? "";
  if (!file("class").startsWith("0x02")) return undefined;
  return {
    address,
    vendor: Number(file("vendor")),
    device: Number(file("device")),
    kernelDriver: machine.link(`${PCI_DEVICES}/${address}/driver`),
    interfaces: [
      address,
      ...machine
        .list(`${PCI_DEVICES}/${address}`)
        .filter((name) => /^virtio\d+$/.test(name))
        .map((v) => `${address}/${v}`),
    ].flatMap((folder) => machine.list(`${PCI_DEVICES}/${folder}/net`)),
  };
}

function check(machine: Machine, nic: Nic, driver: Driver | undefined): Check {
  const name = `NIC ${nic.address}`;
  const hex = (id: number) => id.toString(16).padStart(4, "0");
  const what = `${hex(nic.vendor)}:${hex(nic.device)}`;
  const inKernel = [nic.kernelDriver ?? "no driver", ...nic.interfaces].join(" ");
  if (!driver) return { name, status: "ok", message: `${what} (${inKernel}): no installed DPDK driver serves it` };
  const served = `${what}, DPDK's ${driver.name}`;
  if (nic.kernelDriver === "vfio-pci") return bound(machine, nic, served);
  if (!driver.wantsVfio)
    return { name, status: "ok", message: `${served}: works while the kernel's ${inKernel} keeps it` };
  const used = nic.interfaces.find((one) => inUse(machine, one));
  if (used)
    return {
      name,
      status: "ok",
      message: `${served}: the kernel uses it (${inKernel} is up); it is not offered for binding`,
    };
  return {
    name,
    status: "warn",
    message: `${served}: not bound to vfio-pci (${inKernel})`,
    fix: bindToVfio(nic.address),
  };
}

function bound(machine: Machine, { address }: Nic, served: string): Check {
  const name = `NIC ${address}`;
  const group = vfioGroup(machine, address);
  if (group.accessible)
    return { name, status: "ok", message: `${served}: bound to vfio-pci, ready for device: "${address}"` };
  const message = `${served}: bound to vfio-pci, but this user may not use its group`;
  return { name, status: "warn", message, fix: `chown "$USER" ${group.file}` };
}

/** Taking an interface that is up away from the kernel may cut the machine off. */
function inUse(machine: Machine, name: string): boolean {
  const IFF_UP = 1;
  return (Number(machine.read(`/sys/class/net/${name}/flags`) ?? 0) & IFF_UP) !== 0;
}
