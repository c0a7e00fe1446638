import { type Check, machineAt } from "@demikernel/core/doctor";
import { type Files, machineRoot, without } from "../../core/test/machine-root.js";
import { doctor, type Trials } from "../src/doctor.js";
import rdma from "../src/index.js";

/** An RDMA device with one port. */
function device(name: string, state: string, netdev: string): Files {
  const port = `/sys/class/infiniband/${name}/ports/1`;
  return {
    [`${port}/state`]: `${state}\n`,
    [`${port}/link_layer`]: "Ethernet\n",
    [`${port}/rate`]: "2.5 Gb/sec (1X SDR)\n",
    [`${port}/gid_attrs/ndevs/0`]: `${netdev}\n`,
  };
}

const limits = (soft: string, hard: string): Files => ({
  "/proc/self/limits": `Limit  Soft  Hard  Units\nMax locked memory         ${soft}            ${hard}            bytes     \n`,
});

/** A machine that has everything. */
const everything: Files = {
  "/var/lib/dpkg/status":
    "Package: libfabric-bin\nStatus: install ok installed\nVersion: 9\n\n" +
    "Package: libfabric1\nStatus: install ok installed\nVersion: 1.17.0-3\n",
  "/etc/libibverbs.d/mlx5.driver": "driver mlx5\n",
  "/etc/libibverbs.d/rxe.driver": "driver rxe\n",
  ...device("rxe0", "4: ACTIVE", "eth0"),
  "/dev/infiniband/rdma_cm": "",
  "/dev/infiniband/uverbs0": "",
  "/proc/self/status": "Name:\tnode\nCapEff:\t0000000000000000\n",
  ...limits("unlimited", "unlimited"),
  "/proc/sys/kernel/osrelease": "6.1.0-56-amd64\n",
  "/lib/modules/6.1.0-56-amd64/modules.dep":
    "kernel/drivers/infiniband/sw/rxe/rdma_rxe.ko: ib_core.ko\n" +
    "kernel/drivers/infiniband/core/ib_uverbs.ko:\nkernel/drivers/infiniband/core/rdma_ucm.ko:\n",
  "/sys/class/net/eth0/flags": "0x1003\n",
  "/sys/class/net/lo/flags": "0x9\n",
};

const works: Trials = { whyNoAddon: () => undefined, whyNoProvider: () => undefined };

const checks = (change: Files = {}, trials: Partial<Trials> = {}): Check[] =>
  doctor(machineAt(machineRoot({ ...everything, ...change })), { ...works, ...trials });

const check = (name: string, change?: Files, trials?: Partial<Trials>) =>
  checks(change, trials).find((one) => one.name === name);

test("a machine that has everything", () => {
  const found = checks();
  expect(found.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(found.map(({ name }) => name)).toEqual([
    "addon",
    "libfabric",
    "RDMA device rxe0",
    "device files",
    "RLIMIT_MEMLOCK",
    "provider verbs",
    "provider tcp",
    "provider shm",
  ]);
  expect(check("libfabric")?.message).toBe("libfabric 1.17.0-3; drivers of RDMA devices: mlx5, rxe");
});

test("a machine that has nothing: every check answers", () => {
  const fails = () => "no such thing";
  const found = checks(without(everything, "/"), { whyNoAddon: fails, whyNoProvider: fails });
  expect(found.map(({ name, status }) => [name, status])).toEqual([
    ["addon", "fail"],
    ["libfabric", "warn"],
    ["RDMA devices", "warn"],
    ["device files", "warn"],
    ["RLIMIT_MEMLOCK", "warn"],
    ["provider verbs", "warn"],
    ["provider tcp", "fail"],
    ["provider shm", "fail"],
  ]);
});

test("the addon does not load, or is not built", () => {
  expect(check("addon", {}, { whyNoAddon: () => "no libfabric.so.1" })).toEqual({
    name: "addon",
    status: "fail",
    message: "no libfabric.so.1",
    fix: "apt install libfabric1",
  });
  const notBuilt = "not built: in a checkout run `pnpm build`";
  expect(check("addon", {}, { whyNoAddon: () => notBuilt })?.fix).toBe(
    "apt install g++ make cmake pkg-config libfabric-dev && pnpm build   # in a checkout",
  );
});

test("packages that are missing, or were removed", () => {
  const removed = everything["/var/lib/dpkg/status"]?.replaceAll("install ok", "deinstall ok");
  for (const change of [{ "/var/lib/dpkg/status": removed }, without(everything, "/var")]) {
    expect(check("libfabric", change)).toEqual({
      name: "libfabric",
      status: "warn",
      message: "not among the installed Debian packages",
      fix: "apt install libfabric1",
    });
  }
  expect(check("libfabric", without(everything, "/etc"))).toMatchObject({
    status: "warn",
    message: "libfabric 1.17.0-3, without any driver for RDMA devices",
    fix: "apt install ibverbs-providers",
  });
});

test("no RDMA device: soft-RoCE makes one, where the kernel brings it", () => {
  const none = without(everything, "/sys/class/infiniband");
  expect(check("RDMA devices", none)).toEqual({
    name: "RDMA devices",
    status: "warn",
    message: "none; soft-RoCE makes one of a network interface, to test with",
    fix: "modprobe rdma_rxe && rdma link add rxe0 type rxe netdev eth0",
  });
  expect(check("RDMA devices", { ...none, "/proc/sys/kernel/osrelease": "6.18.44-cloud" })).toEqual({
    name: "RDMA devices",
    status: "warn",
    message: "none, and the kernel 6.18.44-cloud brings no soft-RoCE (rdma_rxe)",
  });
  expect(check("provider verbs", none)).toEqual({
    name: "provider verbs",
    status: "warn",
    message: 'not tried, because of "RDMA devices" above; provider auto takes tcp',
  });
});

test("soft-RoCE is not offered on a loopback interface, nor on one that is down", () => {
  const none = without(everything, "/sys/class/infiniband");
  const fix = (flags: Files) => check("RDMA devices", { ...none, ...flags })?.fix;
  expect(fix({ "/sys/class/net/eth0/flags": "0x1002", "/sys/class/net/wlan0/flags": "0x1003" })).toMatch(
    /netdev wlan0$/,
  );
  expect(fix({ "/sys/class/net/ab/flags": "0x9" })).toMatch(/netdev eth0$/);
});

test("devices: up, down, without a port", () => {
  expect(check("RDMA device rxe0")).toEqual({
    name: "RDMA device rxe0",
    status: "ok",
    message: "port 1 ACTIVE, Ethernet on eth0, 2.5 Gb/sec (1X SDR)",
  });
  const more = { ...device("rxe1", "1: DOWN", "eth1"), "/sys/class/infiniband/hfi1_0/fw_ver": "1.0" };
  expect(check("RDMA device rxe1", more)).toMatchObject({ status: "warn", fix: "ip link set eth1 up" });
  expect(check("RDMA device hfi1_0", more)).toEqual({
    name: "RDMA device hfi1_0",
    status: "warn",
    message: "no ports",
  });
});

test("one device that is up is enough for verbs", () => {
  const more = device("another", "1: DOWN", "eth1");
  expect(check("provider verbs", more)?.status).toBe("ok");
});

test("device files: there, and allowed", () => {
  expect(check("device files")?.message).toBe("/dev/infiniband/rdma_cm, /dev/infiniband/uverbs0");
  expect(check("device files", without(everything, "/dev"))).toEqual({
    name: "device files",
    status: "warn",
    message: "/dev/infiniband/uverbs* and /dev/infiniband/rdma_cm not there",
    fix: "modprobe -a ib_uverbs rdma_ucm",
  });
  expect(check("device files", without(everything, "/dev/infiniband/rdma_cm"))).toMatchObject({
    message: "/dev/infiniband/rdma_cm not there",
    fix: "modprobe -a rdma_ucm",
  });
  expect(check("device files", { "/dev/infiniband/issm0": "" })?.status).toBe("ok");
  const cloud = { ...without(everything, "/dev"), "/proc/sys/kernel/osrelease": "6.18.44-cloud" };
  expect(check("device files", cloud)).toEqual({
    name: "device files",
    status: "warn",
    message:
      "/dev/infiniband/uverbs* and /dev/infiniband/rdma_cm not there, and the kernel brings no ib_uverbs, no rdma_ucm",
  });
});

test("device files that this user may not use", () => {
  // Root may use all files: what accessible() says is decided here.
  const machine = { ...machineAt("/nowhere"), accessible: () => false, exists: () => true };
  const list = (path: string) => (path === "/dev/infiniband" ? ["rdma_cm", "uverbs0", "uverbs1"] : []);
  const found = doctor({ ...machine, list }, works);
  expect(found.find(({ name }) => name === "device files")).toMatchObject({
    status: "warn",
    fix: "chmod a+rw /dev/infiniband/rdma_cm /dev/infiniband/uverbs0 /dev/infiniband/uverbs1",
  });
});

test("locked memory: soft and hard limit against what is registered", () => {
  const name = "RLIMIT_MEMLOCK";
  expect(check(name)?.message).toBe("soft limit unlimited, hard limit unlimited");
  expect(check(name, limits("8388608", "8388608"))).toEqual({
    name,
    status: "warn",
    message:
      "soft limit 8388608 bytes, hard limit 8388608 bytes: an RDMA device locks the arena and the receives, " +
      "147 MiB with the default options",
    fix: "raise memlock in /etc/security/limits.conf, or LimitMEMLOCK= of the service, and log in again",
  });
  expect(check(name, limits("8388608", "unlimited"))?.fix).toBe("ulimit -l unlimited");
  expect(check(name, limits("8388608", "209715200"))?.fix).toBe("ulimit -l 204800");
  expect(check(name, limits("154140672", "154140672"))?.status).toBe("ok");
  const capable = { "/proc/self/status": "CapEff:\t0000000000004000\n" };
  expect(check(name, { ...limits("65536", "65536"), ...capable })).toMatchObject({
    status: "ok",
    message: "soft limit 65536 bytes, hard limit 65536 bytes; this process may exceed it",
  });
  expect(check(name, without(everything, "/proc/self/limits"))?.message).toMatch(/cannot be read/);
});

test("providers are tried, and what is none is not called RDMA", () => {
  const failing = (which: string): Partial<Trials> => ({
    whyNoProvider: (provider) => (provider === which ? `${which} does not open` : undefined),
  });
  expect(check("provider verbs", {}, failing("verbs"))).toEqual({
    name: "provider verbs",
    status: "warn",
    message: "verbs does not open; provider auto takes tcp",
  });
  expect(check("provider tcp", {}, failing("verbs"))).toEqual({
    name: "provider tcp",
    status: "ok",
    message: "a libOS opened over the kernel's TCP",
  });
  expect(check("provider shm")?.message).toBe("a libOS opened over memory shared by processes of this host");
  expect(check("provider tcp", {}, failing("tcp"))).toEqual({
    name: "provider tcp",
    status: "fail",
    message: "tcp does not open",
  });
});

test("this machine", async () => {
  const found = await rdma.doctor();
  expect(found.length).toBeGreaterThanOrEqual(7);
  for (const { message, status } of found) {
    expect(message).not.toBe("");
    expect(["ok", "warn", "fail"]).toContain(status);
  }
});
