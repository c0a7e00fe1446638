/** What the doctors of backends are made of. What they find is tested in each backend, on machines it knows. */
import {
  capable,
  hasModule,
  kernelAtLeast,
  kernelParameter,
  lockedMemory,
  machineAt,
  packageVersion,
  processLimit,
  whyNot,
} from "../src/doctor/index.js";
import { machineRoot } from "./machine-root.js";

const machine = machineAt(
  machineRoot({
    "/proc/sys/kernel/osrelease": "5.12.0-rc1-amd64\n",
    "/proc/sys/kernel/io_uring_disabled": "2\n",
    "/lib/modules/5.12.0-rc1-amd64/modules.dep": "kernel/drivers/vfio/pci/vfio-pci.ko:\n",
    "/proc/self/status": "Name:\tnode\nCapEff:\t0000000000004000\n",
    "/proc/self/limits": "Max locked memory         65536            unlimited            bytes     \n",
    "/var/lib/dpkg/status":
      "Package: liba1\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: libb1\nStatus: install ok installed\nVersion: 2:2.0-1\n",
    "/sys/devices/one/driver": "-> ../../bus/drivers/e1000",
    "/sys/devices/two/data": "a\xff",
  }),
);

test("a machine is what lies below its root, and nothing where nothing can be read", () => {
  expect(machine.list("/sys/devices")).toEqual(["one", "two"]);
  expect(machine.link("/sys/devices/one/driver")).toBe("e1000");
  expect(machine.exists("/sys/devices/two")).toBe(true);
  expect(machine.accessible("/sys/devices/two/data")).toBe(true);
  for (const [read, nothing] of [
    [machine.read("/none"), undefined],
    [machine.readBinary("/none"), undefined],
    [machine.list("/none"), []],
    [machine.link("/sys/devices/two"), undefined],
    [machine.exists("/none"), false],
    [machine.accessible("/none"), false],
  ])
    expect(read).toEqual(nothing);
});

test("kernel: release, parameters, modules", () => {
  expect([kernelAtLeast(machine, 5, 12), kernelAtLeast(machine, 5, 13), kernelAtLeast(machine, 4, 20)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(kernelParameter(machine, "kernel.io_uring_disabled")).toBe("2");
  expect(kernelParameter(machine, "vm.none")).toBeUndefined();
  expect([hasModule(machine, "vfio-pci"), hasModule(machine, "vfio")]).toEqual([true, false]);
});

test("packages: installed ones, not those that were removed", () => {
  expect(packageVersion(machine, /^libb\d$/)).toBe("2:2.0-1");
  expect(packageVersion(machine, /^liba\d$/)).toBeUndefined();
});

test("process: capabilities and limits", () => {
  expect([capable(machine, "IPC_LOCK"), capable(machine, "SYS_ADMIN")]).toEqual([true, false]);
  expect(processLimit(machine, "Max locked memory")).toEqual({ soft: 65536, hard: Number.POSITIVE_INFINITY });
  expect(processLimit(machine, "Max open files")).toBeUndefined();
});

test("locked memory: who may exceed the limit has enough", () => {
  expect(lockedMemory(machine, 1, "")).toMatchObject({
    status: "ok",
    message: expect.stringMatching(/hard limit unlimited$/),
  });
  expect(lockedMemory(machine, 2 ** 20, "")).toMatchObject({
    status: "ok",
    message: expect.stringMatching(/may exceed it$/),
  });
});

test("a trial: why not, or that it works", () => {
  expect(whyNot(() => 5)).toBeUndefined();
  expect(
    whyNot(() => {
      throw new Error("no ring");
    }),
  ).toBe("no ring");
});
