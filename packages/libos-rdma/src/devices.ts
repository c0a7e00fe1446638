/** RDMA devices, and the files through which a process reaches them. */
import { type Check, hasModule, kernelRelease, type Machine } from "@demikernel/core/doctor";

const DEVICES = "/sys/class/infiniband";
const FILES = "/dev/infiniband";

/** One check per device, or one that says how to get one. */
export function deviceChecks(machine: Machine): Check[] {
  const devices = machine.list(DEVICES);
  return devices.length === 0 ? [noDevice(machine)] : devices.map((name) => device(machine, name));
}

function noDevice(machine: Machine): Check {
  const name = "RDMA devices";
  if (!hasModule(machine, "rdma_rxe")) {
    return {
      name,
      status: "warn",
      message: `none, and the kernel ${kernelRelease(machine)} brings no soft-RoCE (rdma_rxe)`,
    };
  }
  return {
    name,
    status: "warn",
    message: "none; soft-RoCE makes one of a network interface, to test with",
    fix: `modprobe rdma_rxe && rdma link add rxe0 type rxe netdev ${interfaceForSoftRoce(machine)}`,
  };
}

/** One that is up and leads somewhere: soft-RoCE connections to a loopback address do not come about. */
function interfaceForSoftRoce(machine: Machine): string {
  const IFF_UP = 1;
  const IFF_LOOPBACK = 8;
  const usable = machine.list("/sys/class/net").find((name) => {
    const flags = Number(machine.read(`/sys/class/net/${name}/flags`) ?? 0);
    return (flags & IFF_UP) !== 0 && (flags & IFF_LOOPBACK) === 0;
  });
  return usable ?? "eth0";
}

function device(machine: Machine, device: string): Check {
  const name = `RDMA device ${device}`;
  const folder = `${DEVICES}/${device}`;
  const ports = machine.list(`${folder}/ports`).map((number) => {
    const file = (path: string) => machine.read(`${folder}/ports/${number}/${path}`) ?? "unknown";
    return {
      number,
      // "4: ACTIVE"
      state: file("state").replace(/^\d+: /, ""),
      layer: file("link_layer"),
      rate: file("rate"),
      netdev: machine.read(`${folder}/ports/${number}/gid_attrs/ndevs/0`),
    };
  });
  const message = ports
    .map(({ number, state, layer, rate, netdev }) => {
      return `port ${number} ${state}, ${layer}${netdev ? ` on ${netdev}` : ""}, ${rate}`;
    })
    .join("; ");
  if (ports.some(({ state }) => state === "ACTIVE")) return { name, status: "ok", message };
  const netdev = ports.find((port) => port.netdev)?.netdev;
  return {
    name,
    status: "warn",
    message: message || "no ports",
    ...(netdev ? { fix: `ip link set ${netdev} up` } : {}),
  };
}

/** What connecting (rdma_cm) and moving bytes (uverbs*) open. */
export function deviceFiles(machine: Machine): Check {
  const name = "device files";
  const verbs = machine.list(FILES).filter((file) => /^uverbs\d+$/.test(file));
  const missing = [
    ...(verbs.length > 0 ? [] : ["ib_uverbs"]),
    ...(machine.exists(`${FILES}/rdma_cm`) ? [] : ["rdma_ucm"]),
  ];
  if (missing.length > 0) {
    const without = { ib_uverbs: "uverbs*", rdma_ucm: "rdma_cm" } as Record<string, string>;
    const message = `${missing.map((module) => `${FILES}/${without[module]}`).join(" and ")} not there`;
    const unavailable = missing.filter((module) => !hasModule(machine, module));
    if (unavailable.length > 0) {
      return { name, status: "warn", message: `${message}, and the kernel brings no ${unavailable.join(", no ")}` };
    }
    return { name, status: "warn", message, fix: `modprobe -a ${missing.join(" ")}` };
  }
  const all = ["rdma_cm", ...verbs].map((file) => `${FILES}/${file}`);
  const barred = all.filter((file) => !machine.accessible(file));
  if (barred.length === 0) return { name, status: "ok", message: all.join(", ") };
  const message = `this user may not use ${barred.join(", ")}`;
  return { name, status: "warn", message, fix: `chmod a+rw ${barred.join(" ")}` };
}
