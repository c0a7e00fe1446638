/** What the doctor finds, on machines made of files. */
import { type Check, machineAt } from "@demikernel/core/doctor";
import { type Files, machineRoot, without } from "../../core/test/machine-root.js";
import { doctor } from "../src/doctor.js";
import spdk from "../src/index.js";
import { controller, drivers, group } from "./controllers.js";

const ADDRESS = "0000:01:00.0";

/** A machine with a controller behind the IOMMU that a libOS may use. */
const everything: Files = {
  "/proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
  "/proc/self/status": "Name:\tnode\nCapEff:\t0000000000000000\n",
  "/proc/self/limits": "Max locked memory         unlimited            unlimited            bytes     \n",
  "/sys/kernel/iommu_groups/7/type": "DMA\n",
  ...drivers("nvme", "vfio-pci"),
  ...controller(ADDRESS, { driver: "vfio-pci", group: "7" }),
  "/dev/vfio/7": "",
};
const ofKernel = controller(ADDRESS, { driver: "nvme", disks: ["nvme0n1"], group: "7" });

const checks = (change: Files = {}): Check[] => doctor(machineAt(machineRoot({ ...everything, ...change })));
const check = (name: string, change?: Files) => checks(change).find((one) => one.name === name);
const nvme = (change?: Files) => check(`NVMe ${ADDRESS}`, change);

test("a machine that has everything", () => {
  const found = checks();
  expect(found.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(found.map(({ name }) => name)).toEqual(["io_uring", "IOMMU and VFIO", "RLIMIT_MEMLOCK", `NVMe ${ADDRESS}`]);
  expect(nvme()?.message).toBe(`1b36:0010, vfio-pci, IOMMU group 7: ready for device: "nvme:${ADDRESS}"`);
});

test("no controller is no lack", () => {
  const found = checks(without(everything, "/sys/bus/pci/devices"));
  expect(found.map(({ name, status }) => [name, status])).toEqual([
    ["io_uring", "ok"],
    ["NVMe controllers", "ok"],
  ]);
  const others = { "/sys/bus/pci/devices/0000:02:00.0/class": "0x010601\n" };
  expect(check("NVMe controllers", { ...without(everything, "/sys/bus/pci/devices"), ...others })?.status).toBe("ok");
});

test("io_uring: switched off, or too old", () => {
  expect(check("io_uring", { "/proc/sys/kernel/io_uring_disabled": "2\n" })).toMatchObject({
    status: "warn",
    fix: "sysctl -w kernel.io_uring_disabled=0",
  });
  expect(check("io_uring", { "/proc/sys/kernel/osrelease": "5.10.0\n" })?.status).toBe("warn");
});

test("the kernel has it: the line that hands it over", () => {
  expect(nvme(ofKernel)).toEqual({
    name: `NVMe ${ADDRESS}`,
    status: "warn",
    message: "1b36:0010, nvme nvme0n1, IOMMU group 7: a libOS can drive it once it is bound",
    fix: `demi-log bind ${ADDRESS}`,
  });
  const idle = { ...without(everything, `/sys/bus/pci/devices/${ADDRESS}/driver`) };
  expect(nvme(idle)).toMatchObject({ message: expect.stringContaining("no driver"), fix: `demi-log bind ${ADDRESS}` });
});

test("the kernel uses it: by what, no line, and nothing that driving it would need", () => {
  const mounts = "23 1 259:2 / / rw shared:1 - ext4 /dev/nvme0n1p2 rw\n";
  const used = {
    ...without(everything, "/dev/vfio", "/sys/kernel"),
    ...ofKernel,
    "/sys/class/block/nvme0n1/nvme0n1p2/partition": "2\n",
    "/proc/self/mountinfo": mounts,
  };
  expect(nvme(used)).toEqual({
    name: `NVMe ${ADDRESS}`,
    status: "ok",
    message:
      "1b36:0010, nvme nvme0n1, IOMMU group 7: the kernel uses it (nvme0n1p2 is mounted on /); it is not offered for binding",
  });
  expect(checks(used).map(({ name }) => name)).toEqual(["io_uring", `NVMe ${ADDRESS}`]);
});

test("bound to vfio-pci, and not usable yet: by this user, beside others of its group", () => {
  expect(nvme(without(everything, "/dev/vfio"))).toMatchObject({ status: "warn", fix: 'chown "$USER" /dev/vfio/7' });
  expect(nvme(group("7", { "0000:01:00.1": "snd_hda_intel", [ADDRESS]: "vfio-pci" }))).toMatchObject({
    status: "warn",
    message: expect.stringContaining("while the kernel has 0000:01:00.1 (snd_hda_intel)"),
    fix: expect.stringMatching(`^demi-log unbind ${ADDRESS}`),
  });
});

test("without an IOMMU: huge pages in place of locked memory", () => {
  const uio = {
    ...without(everything, "/sys/kernel/iommu_groups", `/sys/bus/pci/devices/${ADDRESS}/iommu_group`),
    ...drivers("uio_pci_generic"),
    ...without(everything, `/sys/bus/pci/devices/${ADDRESS}/iommu_group`),
    [`/sys/bus/pci/devices/${ADDRESS}/driver`]: "-> ../../../bus/pci/drivers/uio_pci_generic",
  };
  expect(nvme(uio)).toMatchObject({
    status: "ok",
    message: expect.stringContaining("uio_pci_generic, no IOMMU group"),
  });
  expect(checks(uio).map(({ name, status }) => [name, status])).toEqual([
    ["io_uring", "ok"],
    ["IOMMU and VFIO", "warn"],
    ["huge pages", "warn"],
    [`NVMe ${ADDRESS}`, "ok"],
  ]);
  const pages = "/sys/kernel/mm/hugepages/hugepages-2048kB";
  const reserved = { [`${pages}/nr_hugepages`]: "60\n", [`${pages}/free_hugepages`]: "60\n" };
  expect(check("huge pages", { ...uio, ...reserved })?.status).toBe("ok");
});

test("locked memory", () => {
  const limits = { "/proc/self/limits": "Max locked memory         8388608    8388608    bytes\n" };
  expect(check("RLIMIT_MEMLOCK", limits)).toMatchObject({
    status: "warn",
    message: expect.stringMatching(/96 MiB with the default options$/),
  });
});

test("this machine", async () => {
  const found = await spdk.doctor();
  expect(found.length).toBeGreaterThanOrEqual(2);
  for (const { message, status } of found) {
    expect(message).not.toBe("");
    expect(["ok", "warn"]).toContain(status);
  }
});
