/** The options of this backend: their schema, what a schema cannot say of them, and their form for the addon. */
import { isIPv4 } from "node:net";
import { isUnicastMac, notAHost, type Prefix, parseMac, parsePrefix, sameNetwork } from "./addresses.js";
import { parseDevice } from "./device.js";
import { faultProblem } from "./fault.js";

/** IPv6 wants links that carry this much (RFC 8200). */
const LEAST_IPV6_MTU = 1280;

/** Options of the dpdk backend. `device` and `ipv4` must be given, here or in the configuration file. */
export interface DpdkOptions {
  /** The port: devargs of a virtual device ("net_af_packet0,iface=eth1") or a PCI address ("0000:00:05.0"). */
  device?: string;
  /** The port's MAC address; default: the device's own. */
  mac?: string;
  /** Address and prefix length: "10.7.0.2/24". */
  ipv4?: string;
  /** IPv4 address of the router; default: none, only the own network is reached. */
  gateway?: string;
  /** Address and prefix length: "fd07::2/64"; default: a link-local address only. */
  ipv6?: string;
  /** Largest IP packet, in bytes. 576 to 9000, default 1500. */
  mtu?: number;
  /** Static ARP entries: IPv4 address to MAC address. */
  arp?: Readonly<Record<string, string>>;
  /** Whether DPDK's memory is huge pages. Default "auto": where enough of them are free. */
  hugepages?: "auto" | "never" | "required";
  /** Further arguments for EAL, as for any DPDK program; at most 64. */
  eal?: readonly string[];
  /** File (pcapng) that gets every frame received and sent. */
  capture?: string;
  /** Buffers frames are received into; popped sgas are these buffers until they are freed. 1024 to 131072, default 8192. */
  mbufs?: number;
  /** For tests: frames dropped, doubled, reordered below the stack: "drop=0.01,seed=7". */
  fault?: string;
}

/** JSON Schema of each option; core checks values against it before they come here. */
export const optionSchemas: Readonly<Record<keyof DpdkOptions, object>> = {
  device: {
    type: "string",
    minLength: 1,
    description: 'The port: devargs of a virtual device ("net_af_packet0,iface=eth1") or a PCI address.',
  },
  mac: { type: "string", description: "The port's MAC address; default: the device's own." },
  ipv4: { type: "string", minLength: 1, description: 'Address and prefix length: "10.7.0.2/24".' },
  gateway: {
    type: "string",
    description: "IPv4 address of the router; default: none, only the own network is reached.",
  },
  ipv6: { type: "string", description: 'Address and prefix length: "fd07::2/64"; default: a link-local address only.' },
  mtu: { type: "integer", minimum: 576, maximum: 9000, default: 1500, description: "Largest IP packet, in bytes." },
  arp: {
    type: "object",
    additionalProperties: { type: "string" },
    description: "Static ARP entries: IPv4 address to MAC address.",
  },
  hugepages: {
    type: "string",
    enum: ["auto", "never", "required"],
    default: "auto",
    description: "Whether DPDK's memory is huge pages. auto: where enough of them are free.",
  },
  eal: {
    type: "array",
    maxItems: 64,
    items: { type: "string", minLength: 1 },
    description: "Further arguments for EAL, as for any DPDK program.",
  },
  capture: { type: "string", description: "File (pcapng) that gets every frame received and sent." },
  mbufs: {
    type: "integer",
    minimum: 1024,
    maximum: 131072,
    default: 8192,
    description: "Buffers frames are received into; popped sgas are these buffers until they are freed.",
  },
  fault: {
    type: "string",
    description: 'For tests: frames dropped, doubled, reordered below the stack: "drop=0.01,seed=7".',
  },
};

/** EAL arguments that contradict one of the options here, or end the process. */
const refusedEal: Readonly<Record<string, string>> = {
  "--no-huge": 'say hugepages: "never"',
  "--in-memory": "it is given anyway where there are huge pages",
  "--no-pci": "it is given anyway unless device is a PCI address",
  "--proc-type": "this process is always the primary one",
  "--help": "it ends the process",
  "-h": "it ends the process",
};

/** Values as core hands them over: strings, lists and maps as JSON. */
type Values = Readonly<Record<string, string | undefined>>;

/**
 * What the addon's open() takes. Throws an Error with `errno` -EINVAL whose message names each wrong key and what is wrong with it.
 */
export function nativeConfig(values: Values): Record<string, string> {
  const problems: string[] = [];
  const refuse = (key: string, problem: string, value?: string) =>
    problems.push(`dpdk.${key} ${problem}${value === undefined ? "" : `; got ${JSON.stringify(value)}`}`);

  const config: Record<string, string> = {
    device: device(values.device, refuse),
    mac: mac(values.mac, refuse),
    ...network(values, refuse),
    mtu: values.mtu ?? defaultOf("mtu"),
    hugepages: values.hugepages ?? defaultOf("hugepages"),
    eal: eal(values.eal, refuse),
    capture: values.capture ?? "",
    mbufs: values.mbufs ?? defaultOf("mbufs"),
    fault: values.fault ?? "",
  };
  if (config.capture.includes("\0")) refuse("capture", "must be the path of a file", config.capture);
  const fault = faultProblem(config.fault);
  if (fault) refuse("fault", fault, config.fault);
  if (problems.length > 0) throw Object.assign(new Error(problems.join("; ")), { errno: -22 });
  return config;
}

/** What the schema says an option is where it is not given. */
function defaultOf(option: keyof typeof optionSchemas): string {
  return String((optionSchemas[option] as { default: string | number }).default);
}

type Refuse = (key: string, problem: string, value?: string) => void;

function device(value: string | undefined, refuse: Refuse): string {
  if (!value) {
    refuse(
      "device",
      'is missing: name a virtual device ("net_af_packet0,iface=eth1") or a PCI address ("0000:00:05.0")',
    );
    return "";
  }
  const parsed = parseDevice(value);
  if ("devargs" in parsed) return parsed.devargs;
  refuse("device", parsed.problem, value);
  return value;
}

function mac(value: string | undefined, refuse: Refuse): string {
  if (!value) return "";
  const parsed = parseMac(value);
  if (!parsed) refuse("mac", "must be six pairs of hexadecimal digits, as 02:00:00:00:00:01", value);
  else if (!isUnicastMac(parsed))
    refuse("mac", "must be the address of one station: its first byte even, not all zeros", value);
  return parsed ?? "";
}

function network(values: Values, refuse: Refuse): Record<"ipv4" | "gateway" | "ipv6" | "arp", string> {
  const own = ipv4(values.ipv4, refuse);
  const gateway = values.gateway ?? "";
  if (gateway && !isIPv4(gateway)) {
    refuse("gateway", "must be an IPv4 address", gateway);
  } else if (gateway && own) {
    if (gateway === own.address) refuse("gateway", "must not be the own address", gateway);
    else if (!sameNetwork(gateway, own.address, own.length)) refuse("gateway", `must lie in ${values.ipv4}`, gateway);
  }
  const ipv6 = values.ipv6 ?? "";
  if (ipv6 && !parsePrefix(ipv6, 6)) {
    refuse("ipv6", "must be an address with its prefix length, as fd07::2/64", ipv6);
  } else if (ipv6 && values.mtu !== undefined && Number(values.mtu) < LEAST_IPV6_MTU) {
    refuse("mtu", `must be at least ${LEAST_IPV6_MTU} for IPv6`, values.mtu);
  }
  return { ipv4: values.ipv4 ?? "", gateway, ipv6, arp: arp(values.arp, own, refuse) };
}

function ipv4(value: string | undefined, refuse: Refuse): Prefix | undefined {
  if (!value) {
    refuse("ipv4", 'is missing: give the address of the port and its prefix length, as "10.7.0.2/24"');
    return undefined;
  }
  const parsed = parsePrefix(value, 4);
  if (!parsed) {
    refuse("ipv4", "must be an address with its prefix length, as 10.7.0.2/24", value);
    return undefined;
  }
  const problem = notAHost(parsed);
  if (problem) refuse("ipv4", problem, value);
  return parsed;
}

function arp(value: string | undefined, own: Prefix | undefined, refuse: Refuse): string {
  const entries = Object.entries(JSON.parse(value || "{}") as Record<string, string>);
  return entries
    .map(([address, station]) => {
      const key = `arp["${address}"]`;
      const parsed = parseMac(station);
      if (!isIPv4(address)) refuse(key, "must have an IPv4 address as its key");
      else if (own && !sameNetwork(address, own.address, own.length))
        refuse(key, `must lie in ${own.address}/${own.length}`);
      if (!parsed) refuse(key, "must be a MAC address, as 02:00:00:00:00:09", station);
      else if (!isUnicastMac(parsed)) refuse(key, "must be the MAC address of one station", station);
      return `${address}=${parsed}`;
    })
    .join(",");
}

function eal(value: string | undefined, refuse: Refuse): string {
  const list = JSON.parse(value || "[]") as string[];
  list.forEach((argument, index) => {
    const key = `eal[${index}]`;
    const reason = refusedEal[argument.split("=")[0] as string];
    if (reason) refuse(key, `must not be ${argument}: ${reason}`);
    if (/[\n\0]/.test(argument)) refuse(key, "must be one argument on one line", argument);
  });
  return list.join("\n");
}
