import type { Check } from "@demikernel/core/backend";
import { type Files, machineRoot, without } from "../../core/test/machine-root.js";
import { explain } from "../src/addon.js";
import { doctor } from "../src/doctor.js";
import dpdk from "../src/index.js";
import { machineAt } from "../src/machine.js";
import { bindLine } from "../src/nics.js";

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
  doctor(machineAt(machineRoot({ ...everything, ...change }), () => whyNoAddon));

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
  expect(check("DPDK and lwIP")?.found).toBe("DPDK 22.11.11-0+deb12u1, lwIP 2.1.3+dfsg1-2, 8 network drivers");
});

test("a machine that has nothing: every check answers", () => {
  const nothing = Object.fromEntries(Object.keys(everything).map((path) => [path, undefined]));
  for (const { name, status } of checks(nothing))
    expect([name, status]).toEqual([name, name === "addon" ? "ok" : "lack"]);
});

test("the addon does not load", () => {
  expect(check("addon", {}, "no librte_eal.so.23")).toEqual({
    name: "addon",
    status: "fail",
    found: "no librte_eal.so.23",
    mend: "apt install librte-meta-net librte-meta-mempool liblwip0",
  });
});

test("the addon is not built", () => {
  expect(check("addon", {}, explain("No native build was found for x"))?.mend).toBe(
    "apt install g++ cmake pkg-config libdpdk-dev liblwip-dev && pnpm build   # in a checkout",
  );
});

test("packages that are missing, or were removed", () => {
  const removed = everything["/var/lib/dpkg/status"]?.replace("install ok", "deinstall ok");
  expect(check("DPDK and lwIP", { "/var/lib/dpkg/status": removed })).toMatchObject({
    status: "lack",
    found: "DPDK not among the installed Debian packages",
    mend: "apt install librte-meta-net librte-meta-mempool liblwip0",
  });
  expect(check("DPDK and lwIP", without(everything, "/var"))?.found).toMatch(/^DPDK and lwIP not/);
  expect(check("DPDK and lwIP", without(everything, `${PMDS}/librte_mempool`))).toMatchObject({
    status: "fail",
    found: expect.stringContaining("mempool_ring"),
  });
});

test("virtual devices: installed, and allowed", () => {
  const all = "run here without a NIC: net_af_packet, net_af_xdp, net_memif, net_virtio_user, net_vhost";
  expect(check("virtual devices")?.found).toBe(all);
  const unprivileged = check("virtual devices", { "/proc/self/status": "CapEff:\t0000000000000000\n" });
  expect(unprivileged).toMatchObject({
    status: "lack",
    found:
      "run here without a NIC: net_memif, net_virtio_user, net_vhost; net_af_packet and net_af_xdp want root or capabilities",
    mend: expect.stringMatching(/^setcap cap_net_raw,/),
  });
  const network = check("virtual devices", { "/proc/self/status": "CapEff:\t0000000000003000\n" });
  expect(network?.found).toBe(
    "run here without a NIC: net_af_packet, net_memif, net_virtio_user, net_vhost; net_af_xdp wants root or CAP_SYS_ADMIN",
  );
  expect(check("virtual devices", without(everything, `${PMDS}/librte_net_af`))?.found).toBe(
    "run here without a NIC: net_memif, net_virtio_user, net_vhost",
  );
  expect(check("virtual devices", without(everything, PMDS))).toMatchObject({
    status: "lack",
    found: expect.stringContaining("none"),
  });
});

test("huge pages: of all sizes, free ones count", () => {
  const pages = "/sys/kernel/mm/hugepages";
  expect(check("huge pages")?.found).toBe("500 of 512 of 2 MiB free");
  const large = {
    [`${pages}/hugepages-2048kB/free_hugepages`]: "0\n",
    [`${pages}/hugepages-1048576kB/nr_hugepages`]: "1\n",
    [`${pages}/hugepages-1048576kB/free_hugepages`]: "1\n",
  };
  expect(check("huge pages", large)).toMatchObject({
    status: "ok",
    found: "1 of 1 of 1024 MiB free, 0 of 512 of 2 MiB free",
  });
  expect(check("huge pages", { [`${pages}/hugepages-2048kB/free_hugepages`]: "3\n" })).toMatchObject({
    status: "lack",
    mend: `echo 96 > ${pages}/hugepages-2048kB/nr_hugepages`,
  });
  expect(check("huge pages", without(everything, pages))?.found).toMatch(/^none reserved/);
});

test("locked memory: a limit counts for those who may not exceed it", () => {
  const limits = (soft: string) => ({ "/proc/self/limits": `Max locked memory         ${soft}    ${soft}    bytes\n` });
  const unprivileged = { "/proc/self/status": "CapEff:\t0000000000000000\n" };
  expect(check("RLIMIT_MEMLOCK", limits("8388608"))).toMatchObject({ status: "ok" });
  expect(check("RLIMIT_MEMLOCK", { ...limits("8388608"), ...unprivileged })).toMatchObject({
    status: "lack",
    found: expect.stringMatching(/^8388608 bytes/),
    mend: expect.stringMatching(/^ulimit -l unlimited/),
  });
  expect(check("RLIMIT_MEMLOCK", { ...limits("unlimited"), ...unprivileged })).toMatchObject({ status: "ok" });
});

test("IOMMU and VFIO", () => {
  const name = "IOMMU and VFIO";
  const unsafe = { "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "Y\n" };
  expect(check(name)?.found).toBe("2 IOMMU groups, vfio-pci loaded");
  expect(check(name, without(everything, "/sys/kernel/iommu_groups"))).toMatchObject({
    status: "lack",
    found: "no IOMMU, vfio-pci loaded: PCI devices cannot be used, virtual ones can",
    mend: expect.stringContaining("intel_iommu=on"),
  });
  expect(check(name, { ...without(everything, "/sys/kernel/iommu_groups"), ...unsafe })?.status).toBe("ok");
  expect(check(name, without(everything, "/sys/bus/pci/drivers"))).toMatchObject({
    status: "lack",
    mend: "modprobe vfio-pci",
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
  expect(check(at("0000:00:05.0"), cards)?.found).toBe(
    '8086:10d3, DPDK\'s net_e1000_em: bound to vfio-pci, ready for device: "0000:00:05.0"',
  );
  expect(check(at("0000:00:05.0"), without(everything, "/dev/vfio"))).toMatchObject({
    status: "lack",
    found: expect.stringContaining("this user may not use its group"),
    mend: 'chown "$USER" /dev/vfio/1',
  });
  expect(check(at("0000:01:00.0"), cards)).toEqual({
    name: "NIC 0000:01:00.0",
    status: "lack",
    found: "8086:10d3, DPDK's net_e1000_em: not bound to vfio-pci (e1000e eth1)",
    mend: bindLine("0000:01:00.0"),
  });
  expect(check(at("0000:02:00.0"), cards)).toMatchObject({
    status: "ok",
    found: expect.stringContaining("the kernel uses it (virtio-pci eth2 is up)"),
  });
  expect(check(at("0000:03:00.0"), cards)?.found).toBe("10ec:8168 (r8169): no installed DPDK driver serves it");
  expect(check(at("0000:04:00.0"), cards)?.found).toContain("works while the kernel's mlx5_core keeps it");
  expect(check(at("0000:05:00.0"), cards)).toMatchObject({ status: "lack", mend: bindLine("0000:05:00.0") });
  expect(check(at("0000:06:00.0"), cards)).toBeUndefined();
  expect(check("NICs", without(everything, "/sys/bus/pci/devices"))?.found).toMatch(/^no network card/);
});

test("what the dynamic linker says becomes what to install", () => {
  expect(explain("librte_ethdev.so.23: cannot open shared object file: No such file or directory")).toMatch(
    /needs librte_ethdev\.so\.23, which is not installed: on Debian 12 run `apt install librte-meta-net /,
  );
  expect(explain("No native build was found for platform=linux arch=x64")).toMatch(
    /is not built .* `apt install g\+\+ cmake pkg-config libdpdk-dev liblwip-dev` and `pnpm build`/,
  );
  expect(explain("undefined symbol: x")).toMatch(/cannot be loaded: undefined symbol: x/);
});

test("this machine", async () => {
  const found = await dpdk.doctor();
  expect(found.length).toBeGreaterThanOrEqual(7);
  for (const { found: sentence, status } of found) {
    expect(sentence).not.toBe("");
    expect(["ok", "lack", "fail"]).toContain(status);
  }
  // Where the addon loads, its libraries are there.
  if (found[0]?.status === "ok") expect(found[1]?.status).not.toBe("fail");
});
