/** demi-log bind and demi-log unbind */
import { json, printable } from "@demikernel/core/cli";
import { type Command, Option } from "commander";
import { controllerAt, groupRivals, KERNEL_DRIVER, USER_DRIVERS } from "../controllers.js";
import { parseAddress, plan, type Rebinding, rebind, thisHost } from "../rebind.js";
import { interruption } from "./interruption.js";

interface Options {
  driver?: string;
  dryRun?: true;
  json?: true;
}

const HELP = `
The kernel lets go of the controller, and its disks are gone until it is given back. A controller is refused while a disk or a partition of it is
mounted, is swap, or is held or claimed by anything, and so is any device that is no NVMe controller. It lasts until the next boot. Root only.`;

export function registerBind(program: Command): void {
  program
    .command("bind")
    .description("hand an NVMe controller to a driver through which a libOS drives it, or back to the kernel's")
    .argument("<address>", "the controller's PCI address, as 0000:01:00.0")
    .addOption(
      new Option("--driver <name>", "default: vfio-pci; uio_pci_generic where there is no IOMMU group").choices([
        ...USER_DRIVERS,
        KERNEL_DRIVER,
      ]),
    )
    .option("--dry-run", "print what would be done")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(run);
  program
    .command("unbind")
    .description(`hand an NVMe controller back to the kernel: bind --driver ${KERNEL_DRIVER}`)
    .argument("<address>", "the controller's PCI address, as 0000:01:00.0")
    .option("--dry-run", "print what would be done")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((address: string, options: Options) => run(address, { ...options, driver: KERNEL_DRIVER }));
}

function run(text: string, { driver, dryRun, json: asJson }: Options): void {
  const host = thisHost();
  const address = parseAddress(text);
  // Ctrl-C in the middle would leave it without any driver.
  const { off } = interruption();
  let rebinding: Rebinding;
  try {
    rebinding = dryRun ? plan(host, address, driver) : rebind(host, address, driver);
  } finally {
    off();
  }
  const rivals = rebinding.to === "vfio-pci" ? groupRivals(host.machine, controllerAt(host.machine, address)) : [];
  if (asJson) console.log(json({ ...rebinding, dryRun: dryRun === true, rivals }));
  else console.log(dryRun ? script(rebinding) : outcome(rebinding));
  if (rivals.length > 0)
    console.error(
      `demi-log: its IOMMU group also has ${rivals.join(", ")}: vfio-pci must have all of a group, or none is usable`,
    );
}

function script({ modprobe, steps, to, address }: Rebinding): string {
  if (steps.length === 0) return `# ${to} has ${address} already`;
  const lines = steps.map(({ file, text }) => `echo ${text === "\n" ? "" : `${text.trim()} `}> ${file}`);
  return [...(modprobe === null ? [] : [`modprobe ${modprobe}`]), ...lines].map(printable).join("\n");
}

function outcome({ address, from, to, group, steps }: Rebinding): string {
  if (steps.length === 0) return `${address}: ${to} has it already`;
  const what = `${address}: from ${from ?? "no driver"} to ${to}`;
  if (to === KERNEL_DRIVER) return what;
  return `${what}${group === null ? "" : `, IOMMU group ${group}`}; a libOS opens it as device: "nvme:${address}"`;
}
