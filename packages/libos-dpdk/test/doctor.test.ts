import { bindToVfio, type Check, machineAt } from "@demikernel/core/doctor";
import { type Files, machineRoot, without } from "../../core/test/machine-root.js";
import { doctor } from "../src/doctor.js";
import dpdk from "../src/index.js";

const PMDS = "/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0";
const info = (name: string, more: object) =>
  `\x7fELF\0PMD_INFO_STRING= ${JSON.stringify({ name, ...more })}\0PMD_INFO_STRING= {damaged\0`;
const virtual = (name: string) => info(name, { params: "iface=<string>", pci_ids: [] });

/** A machine that has everything. */
const everything: Files = {
  "/var/lib/dpkg/status":
    "Package: librte-eal23\nStatus: install ok installed\nVersion: 22.11.11-0+deb12u1\n\n" +
    "Package: liblwip0\nStatus: install ok installed\nVersion: 2.1.3+dfsg1-2\n",
  [`${PMDS}/librte_mempool_ring.so.23`]: "",
  [`${PMDS}/librte_net_af_packet.so.23`]: virtual("net_af_packet"),
  [`${PMDS}/librte_net_af_packet.so.23.0`]: virtual("net_af_packet"),
  [`${PMDS}/librte_net_af_xdp.so.23`]: virtual("net_af_xdp"),
  [`${PMDS}/librte_net_memif.so.23`]: virtual("net_memif"),
  [`${PMDS}/librte_net_vhost.so.23`]: virtual("net_vhost"),
  [`${PMDS}/librte_net_virtio.so.23`]:
    virtual("net_virtio_user") +
    info("net_virtio", { kmod: "* igb_uio | vfio-pci", pci_ids: [[0x1af4, 0x1041, 65535, 65535]] }),
  [`${PMDS}/librte_net_e1000.so.23`]: info("net_e1000_em", {
    kmod: "* igb_uio | uio_pci_generic | vfio-pci",
    pci_ids: [[0x8086, 0x10d3, 65535, 65535]],
  }),
  [`${PMDS}/librte_net_mlx5.so.23`]: info("mlx5_eth", {
    kmod: "* ib_uverbs & mlx5_core & mlx5_ib",
    pci_ids: [[0x15b3, 0x1013, 65535, 65535]],
  }),
  "/proc/self/status": "Name:\tnode\nCapEff:\t000001fffeffffff\n",
  "/proc/self/limits": "Max locked memory         unlimited            unlimited            bytes     \n",
  "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "512\n",
  "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages": "500\n",
  "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "0\n",
  "/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages": "0\n",
  "/sys/kernel/iommu_groups/0/type": "DMA\n",
  "/sys/kernel/iommu_groups/1/type": "DMA\n",
  "/sys/bus/pci/drivers/vfio-pci/bind": "",
  ...nic("0000:00:05.0", 0x8086, 0x10d3, "vfio-pci"),
  "/sys/bus/pci/devices/0000:00:05.0/iommu_group": "-> ../../../../kernel/iommu_groups/1",
  "/dev/vfio/1": "",
};

function nic(address: string, vendor: number, device: number, driver?: string, netFolder?: string) {
  const folder = `/sys/bus/pci/devices/${address}`;
  return {
    [`${folder}/class`]: "0x020000\n",
    [`${folder}/vendor`]: `0x${vendor.toString(16)}\n`,
    [`${folder}/device`]: `0x${device.toString(16)}\n`,
    ...(driver ? { [`${folder}/driver`]: `-> ../../../bus/pci/drivers/${driver}` } : {}),
    ...(netFolder ? { [`${folder}/${netFolder}/address`]: "" } : {}),
  };
}

const checks = (change: Files = {}, whyNoAddon?: string): Check[] =>
  doctor(machineAt(machineRoot({ ...everything, ...change })), () => whyNoAddon);

const check = (name: string, change?: Files, whyNoAddon?: string) =>
  checks(change, whyNoAddon).find((one) => one.name === name);

test("a machine that has everything", () => {
  const found = checks();
  expect(found.filter(({ status }) => status !== "ok")).toEqual([]);
  expect(found.map(({ name }) => name)).toEqual([
    "addon",
    "DPDK and lwIP",
    "virtual devices",
    "huge pages",
    "RLIMIT_MEMLOCK",
    "IOMMU and VFIO",
    "NIC 0000:00:05.0",
  ]);
  expect(check("DPDK and lwIP")?.message).toBe("DPDK 22.11.11-0+deb12u1, lwIP 2.1.3+dfsg1-2, 8 network drivers");
});

test("a machine that has nothing: every check answers", () => {
  const nothing = Object.fromEntries(Object.keys(everything).map((path) => [path, undefined]));
  for (const { name, status } of checks(nothing))
    expect([name, status]).toEqual([name, name === "addon" ? "ok" : "warn"]);
});

test("the addon does not load", () => {
  expect(check("addon", {}, "no librte_eal.so.23")).toEqual({
    name: "addon",
    status: "fail",
    message: "no librte_eal.so.23",
    fix: "apt install librte-meta-net librte-meta-mempool liblwip0",
  });
});

test("the addon is not built", () => {
  expect(check("addon", {}, "not built: in a checkout run `pnpm build`")?.fix).toBe(
    "apt install g++ make cmake pkg-config libdpdk-dev liblwip-dev && pnpm build   # in a checkout",
  );
});

test("packages that are missing, or were removed", () => {
  const removed = everything["/var/lib/dpkg/status"]?.replace("install ok", "deinstall ok");
  expect(check("DPDK and lwIP", { "/var/lib/dpkg/status": removed })).toMatchObject({
    status: "warn",
    message: "DPDK not among the installed Debian packages",
    fix: "apt install librte-meta-net librte-meta-mempool liblwip0",
  });
  expect(check("DPDK and lwIP", without(everything, "/var"))?.message).toMatch(/^DPDK and lwIP not/);
  expect(check("DPDK and lwIP", without(everything, `${PMDS}/librte_mempool`))).toMatchObject({
    status: "fail",
    message: expect.stringContaining("mempool_ring"),
  });
});

test("virtual devices: installed, and allowed", () => {
  const all = "run here without a NIC: net_af_packet, net_af_xdp, net_memif, net_virtio_user, net_vhost";
  expect(check("virtual devices")?.message).toBe(all);
  const unprivileged = check("virtual devices", { "/proc/self/status": "CapEff:\t0000000000000000\n" });
  expect(unprivileged).toMatchObject({
    status: "warn",
    message:
      "run here without a NIC: net_memif, net_virtio_user, net_vhost; net_af_packet and net_af_xdp want root or capabilities",
    fix: expect.stringMatching(/^setcap cap_net_raw,/),
  });
  const network = check("virtual devices", { "/proc/self/status": "CapEff:\t0000000000003000\n" });
  expect(network?.message).toBe(
    "run here without a NIC: net_af_packet, net_memif, net_virtio_user, net_vhost; net_af_xdp wants root or CAP_SYS_ADMIN",
  );
  expect(check("virtual devices", without(everything, `${PMDS}/librte_net_af`))?.message).toBe(
    "run here without a NIC: net_memif, net_virtio_user, net_vhost",
  );
  expect(check("virtual devices", without(everything, PMDS))).toMatchObject({
    status: "warn",
    message: expect.stringContaining("none"),
  });
});

test("huge pages: of all sizes, free ones count", () => {
  const pages = "/sys/kernel/mm/hugepages";
  expect(check("huge pages")?.message).toBe("500 of 512 of 2 MiB free");
  const large = {
    [`${pages}/hugepages-2048kB/free_hugepages`]: "0\n",
    [`${pages}/hugepages-1048576kB/nr_hugepages`]: "1\n",
    [`${pages}/hugepages-1048576kB/free_hugepages`]: "1\n",
  };
  expect(check("huge pages", large)).toMatchObject({
    status: "ok",
    message: "1 of 1 of 1024 MiB free, 0 of 512 of 2 MiB free",
  });
  expect(check("huge pages", { [`${pages}/hugepages-2048kB/free_hugepages`]: "3\n" })).toMatchObject({
    status: "warn",
    fix: `echo 96 > ${pages}/hugepages-2048kB/nr_hugepages`,
  });
  expect(check("huge pages", without(everything, pages))?.message).toMatch(/^none reserved/);
});

test("locked memory: a limit counts for those who may not exceed it", () => {
  const limits = (soft: string) => ({ "/proc/self/limits": `Max locked memory         ${soft}    ${soft}    bytes\n` });
  const unprivileged = { "/proc/self/status": "CapEff:\t0000000000000000\n" };
  expect(check("RLIMIT_MEMLOCK", limits("8388608"))).toMatchObject({ status: "ok" });
  expect(check("RLIMIT_MEMLOCK", { ...limits("8388608"), ...unprivileged })).toMatchObject({
    status: "warn",
    message: expect.stringMatching(/^soft limit 8388608 bytes.*: a PCI device locks its memory.* 192 MiB/),
    fix: expect.stringMatching(/^raise memlock/),
  });
  expect(check("RLIMIT_MEMLOCK", { ...limits("unlimited"), ...unprivileged })).toMatchObject({ status: "ok" });
});

test("IOMMU and VFIO", () => {
  const name = "IOMMU and VFIO";
  const unsafe = { "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "Y\n" };
  expect(check(name)?.message).toBe("2 IOMMU groups, vfio-pci loaded");
  expect(check(name, without(everything, "/sys/kernel/iommu_groups"))).toMatchObject({
    status: "warn",
    message: "no IOMMU, vfio-pci loaded: PCI devices cannot be used, virtual ones can",
    fix: expect.stringContaining("intel_iommu=on"),
  });
  expect(check(name, { ...without(everything, "/sys/kernel/iommu_groups"), ...unsafe })?.status).toBe("ok");
  expect(check(name, without(everything, "/sys/bus/pci/drivers"))).toMatchObject({
    status: "warn",
    fix: "modprobe vfio-pci",
  });
});

test("network cards: bound, idle, in use, without a driver of DPDK's, left with the kernel", () => {
  const at = (address: string) => `NIC ${address}`;
  const cards = {
    ...nic("0000:01:00.0", 0x8086, 0x10d3, "e1000e", "net/eth1"),
    ...nic("0000:02:00.0", 0x1af4, 0x1041, "virtio-pci", "virtio2/net/eth2"),
    "/sys/class/net/eth1/flags": "0x1002\n",
    "/sys/class/net/eth2/flags": "0x1003\n",
    ...nic("0000:03:00.0", 0x10ec, 0x8168, "r8169"),
    ...nic("0000:04:00.0", 0x15b3, 0x1013, "mlx5_core"),
    ...nic("0000:05:00.0", 0x8086, 0x10d3),
    "/sys/bus/pci/devices/0000:06:00.0/class": "0x030000\n",
  };
  expect(check(at("0000:00:05.0"), cards)?.message).toBe(
    '8086:10d3, DPDK\'s net_e1000_em: bound to vfio-pci, ready for device: "0000:00:05.0"',
  );
  expect(check(at("0000:00:05.0"), without(everything, "/dev/vfio"))).toMatchObject({
    status: "warn",
    message: expect.stringContaining("this user may not use its group"),
    fix: 'chown "$USER" /dev/vfio/1',
  });
  expect(check(at("0000:01:00.0"), cards)).toEqual({
    name: "NIC 0000:01:00.0",
    status: "warn",
    message: "8086:10d3, DPDK's net_e1000_em: not bound to vfio-pci (e1000e eth1)",
    fix: bindToVfio("0000:01:00.0"),
  });
  expect(check(at("0000:02:00.0"), cards)).toMatchObject({
    status: "ok",
    message: expect.stringContaining("the kernel uses it (virtio-pci eth2 is up)"),
  });
  expect(check(at("0000:03:00.0"), cards)?.message).toBe("10ec:8168 (r8169): no installed DPDK driver serves it");
  expect(check(at("0000:04:00.0"), cards)?.message).toContain("works while the kernel's mlx5_core keeps it");
  expect(check(at("0000:05:00.0"), cards)).toMatchObject({ status: "warn", fix: bindToVfio("0000:05:00.0") });
  expect(check(at("0000:06:00.0"), cards)).toBeUndefined();
  expect(check("NICs", without(everything, "/sys/bus/pci/devices"))?.message).toMatch(/^no network card/);
});

test("this machine", async () => {
  const found = await dpdk.doctor();
  expect(found.length).toBeGreaterThanOrEqual(7);
  for (const { message, status } of found) {
    expect(message).not.toBe("");
    expect(["ok", "warn", "fail"]).toContain(status);
  }
  // Where the addon loads, its libraries are there.
  if (found[0]?.status === "ok") expect(found[1]?.status).not.toBe("fail");
});
