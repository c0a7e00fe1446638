/** Handing controllers to other drivers, on machines made of files. In the guest it is done to a real one. */
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { machineAt } from "@demikernel/core/doctor";
import { type Files, machineRoot, without } from "../../core/test/machine-root.js";
import { type Host, parseAddress, plan, rebind } from "../src/rebind.js";
import { controller, drivers, group } from "./controllers.js";

const ADDRESS = "0000:01:00.0";
const FOLDER = `/sys/bus/pci/devices/${ADDRESS}`;
const disk = { "/sys/class/block/nvme0n1/dev": "259:0\n", "/sys/class/block/nvme0n1/size": "1000\n" };
/** A controller of the kernel's, with a disk, behind the IOMMU. */
const usual: Files = {
  ...controller(ADDRESS, { driver: "nvme", disks: ["nvme0n1"], group: "7" }),
  ...drivers("nvme", "vfio-pci"),
  ...disk,
};

interface Wishes {
  /** Drivers that modprobe brings. */
  modules?: string[];
  /** Drivers that take no device. */
  refusing?: string[];
  busy?: string[];
  isRoot?: boolean;
  /** A file that cannot be written. */
  readOnly?: string;
}

/** A kernel that does what is written to these files, and keeps what was. */
function host(files: Files, { modules = [], refusing = [], busy = [], isRoot = true, readOnly }: Wishes = {}) {
  const root = machineRoot(files);
  const written: string[] = [];
  const loaded: string[] = [];
  const driver = join(root, FOLDER, "driver");
  let override = "";
  const made: Host = {
    machine: machineAt(root),
    isRoot,
    isBusy: (path) => busy.includes(path),
    modprobe: (name) => {
      loaded.push(name);
      if (!modules.includes(name)) return `modprobe: FATAL: Module ${name} not found`;
      mkdirSync(join(root, "/sys/bus/pci/drivers", name), { recursive: true });
      return undefined;
    },
    write: (path, text) => {
      if (path === readOnly) throw Object.assign(new Error("read-only file system"), { code: "EROFS" });
      written.push(`${path} ${text.trim()}`.trim());
      if (path === `${FOLDER}/driver_override`) override = text.trim();
      else if (path === `${FOLDER}/driver/unbind`) {
        rmSync(driver);
        rmSync(join(root, FOLDER, "nvme"), { recursive: true, force: true });
      } else if (path === "/sys/bus/pci/drivers_probe") {
        const wanted = override || "nvme";
        const has = existsSync(join(root, "/sys/bus/pci/drivers", wanted)) && !refusing.includes(wanted);
        if (has) symlinkSync(`../../../bus/pci/drivers/${wanted}`, driver);
      } else throw new Error(`nobody writes to ${path}`);
    },
  };
  return { host: made, written, loaded, driver: () => made.machine.link(`${FOLDER}/driver`) };
}

const refusal = (call: () => unknown): { code: string; message: string } => {
  try {
    call();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error("it was done");
};

test("to vfio-pci and back: override, unbind, probe", () => {
  const kernel = host(usual);
  expect(rebind(kernel.host, ADDRESS)).toMatchObject({ from: "nvme", to: "vfio-pci", group: "7", modprobe: null });
  expect(kernel.driver()).toBe("vfio-pci");
  expect(rebind(kernel.host, ADDRESS, "nvme")).toMatchObject({ from: "vfio-pci", to: "nvme" });
  expect(kernel.driver()).toBe("nvme");
  expect(kernel.written).toEqual([
    `${FOLDER}/driver_override vfio-pci`,
    `${FOLDER}/driver/unbind ${ADDRESS}`,
    `/sys/bus/pci/drivers_probe ${ADDRESS}`,
    `${FOLDER}/driver_override`,
    `${FOLDER}/driver/unbind ${ADDRESS}`,
    `/sys/bus/pci/drivers_probe ${ADDRESS}`,
  ]);
});

test("without an IOMMU group uio_pci_generic, which is loaded; without any driver there is nothing to unbind", () => {
  const kernel = host({ ...controller(ADDRESS, {}), ...drivers("nvme") }, { modules: ["uio_pci_generic"] });
  expect(rebind(kernel.host, ADDRESS)).toMatchObject({ from: null, to: "uio_pci_generic", group: null });
  expect(kernel.loaded).toEqual(["uio_pci_generic"]);
  expect(kernel.driver()).toBe("uio_pci_generic");
  expect(kernel.written).toHaveLength(2);
});

test("vfio-pci without an IOMMU group: only where the kernel was told to allow it", () => {
  const files = { ...controller(ADDRESS, { driver: "nvme" }), ...drivers("nvme", "vfio-pci") };
  expect(refusal(() => rebind(host(files).host, ADDRESS, "vfio-pci"))).toMatchObject({ code: "ENODEV" });
  const unsafe = { ...files, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "Y\n" };
  expect(rebind(host(unsafe).host, ADDRESS, "vfio-pci").to).toBe("vfio-pci");
});

test("a driver that has it already: nothing is done, and nobody asked whether it is in use", () => {
  const kernel = host({ ...usual, ...controller(ADDRESS, { driver: "vfio-pci", group: "7" }) }, { isRoot: false });
  expect(rebind(kernel.host, ADDRESS)).toMatchObject({ steps: [] });
  expect(kernel.written).toEqual([]);
});

test("a plan changes nothing, and needs no root", () => {
  const kernel = host({ ...usual, "/sys/bus/pci/drivers/vfio-pci/bind": undefined }, { isRoot: false });
  const { steps, modprobe } = plan(kernel.host, ADDRESS);
  expect([steps.length, modprobe]).toEqual([3, "vfio-pci"]);
  expect([kernel.written, kernel.loaded]).toEqual([[], []]);
  expect(refusal(() => rebind(kernel.host, ADDRESS))).toMatchObject({
    code: "EPERM",
    message: expect.stringMatching(/root only/),
  });
});

const partition = {
  "/sys/class/block/nvme0n1/nvme0n1p2/partition": "2\n",
  "/sys/class/block/nvme0n1/nvme0n1p2/dev": "259:2\n",
};
const mounted = (device: string, source: string, place = "/") => ({
  "/proc/self/mountinfo": `22 1 0:20 / /proc rw shared:5 - proc proc rw\n23 1 ${device} / ${place} rw,relatime shared:1 - ext4 ${source} rw\n`,
});

const free = { ...usual, ...partition };
const noDisks = without(usual, `${FOLDER}/nvme`);
const ofSeveralWays = controller(ADDRESS, { driver: "nvme", disks: ["nvme0c0n1"], group: "7" });
const ofAProcess = controller(ADDRESS, { driver: "vfio-pci", group: "7" });
test.each<[string, Files, RegExp, Wishes & { to?: string }]>([
  ["mounted", { ...free, ...mounted("259:0", "/dev/root") }, /nvme0n1 is mounted on \/$/, {}],
  ["a partition is mounted", { ...free, ...mounted("259:2", "/dev/root") }, /nvme0n1p2 is mounted on \/$/, {}],
  [
    "mounted, by several devices",
    { ...free, ...mounted("0:31", "/dev/nvme0n1p2", "/my\\040data") },
    /nvme0n1p2 is mounted on \/my data$/,
    {},
  ],
  [
    "swap",
    { ...free, "/proc/swaps": "Filename\tType\tSize\n/dev/nvme0n1p2   partition\t8\n" },
    /nvme0n1p2 is swap$/,
    {},
  ],
  ["held", { ...free, "/sys/class/block/nvme0n1/nvme0n1p2/holders/dm-0/dev": "" }, /nvme0n1p2 is held by dm-0$/, {}],
  ["the disk is held", { ...free, "/sys/class/block/nvme0n1/holders/md127/dev": "" }, /nvme0n1 is held by md127$/, {}],
  ["claimed", free, /something has claimed nvme0n1$/, { busy: ["/dev/nvme0n1"] }],
  [
    "a way of several to a disk",
    { ...free, ...noDisks, ...ofSeveralWays, ...mounted("259:0", "/dev/nvme0n1") },
    /nvme0n1 is mounted on \/$/,
    {},
  ],
  [
    "driven by a process",
    { ...usual, ...noDisks, ...ofAProcess },
    /a process drives it through VFIO$/,
    { busy: ["/dev/vfio/7"], to: "nvme" },
  ],
])("in use, %s: EBUSY, and nothing is written", (_, files, message, { to, ...wishes }) => {
  const kernel = host(files, wishes);
  expect(refusal(() => rebind(kernel.host, ADDRESS, to))).toMatchObject({
    code: "EBUSY",
    message: expect.stringMatching(message),
  });
  expect(kernel.written).toEqual([]);
});

test("no such device, no controller, no address", () => {
  const { host: kernel } = host({ ...usual, "/sys/bus/pci/devices/0000:02:00.0/class": "0x020000\n" });
  expect(refusal(() => plan(kernel, "0000:09:00.0"))).toMatchObject({
    code: "ENODEV",
    message: expect.stringMatching(/no PCI device/),
  });
  expect(refusal(() => plan(kernel, "0000:02:00.0"))).toMatchObject({
    code: "EINVAL",
    message: expect.stringMatching(/0000:02:00.0 is no NVMe controller \(class 0x020000/),
  });
  expect(refusal(() => parseAddress("../../etc"))).toMatchObject({ code: "EINVAL" });
  expect(["01:00.0", "0000:01:00.0", "nvme:0000:01:00.0"].map(parseAddress)).toEqual([ADDRESS, ADDRESS, ADDRESS]);
});

test("a driver that does not exist, or does not take it: the kernel's has it again", () => {
  const without = { ...usual, "/sys/bus/pci/drivers/vfio-pci/bind": undefined };
  const missing = host(without);
  expect(refusal(() => rebind(missing.host, ADDRESS))).toMatchObject({
    code: "ENOENT",
    message: expect.stringMatching(/no driver vfio-pci: modprobe: FATAL/),
  });
  expect(missing.written).toEqual([]);
  const refusing = host(usual, { refusing: ["vfio-pci"] });
  expect(refusal(() => rebind(refusing.host, ADDRESS))).toMatchObject({
    code: "ENODEV",
    message: expect.stringMatching(/which nvme has/),
  });
  expect(refusing.driver()).toBe("nvme");
});

test("a file that cannot be written: the override is taken back", () => {
  const kernel = host(usual, { readOnly: `${FOLDER}/driver/unbind` });
  expect(refusal(() => rebind(kernel.host, ADDRESS))).toMatchObject({ code: "EROFS" });
  expect(kernel.written.at(-1)).toBe(`${FOLDER}/driver_override`);
  expect(kernel.driver()).toBe("nvme");
});

test("the rest of an IOMMU group is no matter of binding", () => {
  const kernel = host({ ...usual, ...group("7", { "0000:01:00.1": "snd_hda_intel" }) });
  expect(rebind(kernel.host, ADDRESS).to).toBe("vfio-pci");
});
