import { type LibOSOptions, openLibOS } from "@demikernel/core";
import { optionTable } from "@demikernel/core/backend";
import { optionsIn } from "../../core/test/documented.js";
import dpdk from "../src/index.js";
import { nativeConfig } from "../src/options.js";

const least = { device: "net_af_packet0,iface=dk0", ipv4: "10.7.0.2/24" };

/** The message of the error that opening with these values gives. */
function refusal(values: Record<string, string>): string {
  try {
    nativeConfig({ ...least, ...values });
  } catch (error) {
    expect(error).toMatchObject({ errno: -22 });
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(values)} was accepted`);
}

test("the least that is needed, and what the addon then gets", () => {
  expect(nativeConfig(least)).toEqual({
    device: "net_af_packet0,iface=dk0",
    mac: "",
    ipv4: "10.7.0.2/24",
    gateway: "",
    ipv6: "",
    mtu: "1500",
    arp: "",
    hugepages: "auto",
    eal: "",
    capture: "",
    mbufs: "8192",
    fault: "",
  });
});

test("everything", () => {
  const values = {
    device: "00:05.0",
    mac: "02:AB:00:00:00:01",
    ipv4: "10.7.0.2/16",
    gateway: "10.7.9.1",
    ipv6: "fd07::2/64",
    mtu: "9000",
    arp: '{"10.7.0.1":"02:00:00:00:00:09","10.7.0.3":"02:00:00:00:00:0A"}',
    hugepages: "required",
    eal: '["--log-level=*:debug","--master-lcore=1"]',
    capture: "out.pcapng",
    mbufs: "1024",
    fault: "drop=0.01,duplicate=1,reorder=.5,seed=4294967295",
  };
  expect(nativeConfig(values)).toEqual({
    ...values,
    device: "0000:00:05.0",
    mac: "02:ab:00:00:00:01",
    arp: "10.7.0.1=02:00:00:00:00:09,10.7.0.3=02:00:00:00:00:0a",
    eal: "--log-level=*:debug\n--master-lcore=1",
  });
});

test("what is missing is asked for, all of it at once", () => {
  expect(() => nativeConfig({})).toThrow(/^dpdk\.device is missing: .*; dpdk\.ipv4 is missing: /);
});

test.each([
  ["net_memif0"],
  ["net_memif0,role=client,id=0,socket=/p/m.sock,socket-abstract=no,rsize=11"],
  ["net_virtio_user0,path=/p/v.sock,queue_size=1024,packed_vq=1"],
  ["net_vhost0,iface=/p/v.sock,queues=1"],
  ["net_ring_7"],
  ["eth_af_packet0,iface=eth1"],
  ["0000:AF:1f.7,arg=1"],
])("device %s", (device) => {
  const accepted = nativeConfig({ ...least, device }).device;
  expect(accepted.toLowerCase()).toBe(device.toLowerCase());
});

test.each([
  ["eth0", /must be devargs such as/],
  ["af_packet0,iface=dk0", /must be devargs such as/],
  ["00:05", /must be devargs such as/],
  ["0000:00:05.8", /must be devargs such as/],
  ["0000:00:25.0", /must be devargs such as/],
  ["net_af_packet0 iface=dk0", /must be devargs such as/],
  ["net_af_packet0", /must name the network interface: "net_af_packet0,iface=\.\.\."/],
  ["net_af_xdp0,start_queue=0", /must name the network interface/],
  ["net_vhost0,queues=1", /must name the path of the socket/],
  ["net_virtio_user0,queues=1", /"net_virtio_user0,path=\.\.\."/],
  ["net_af_packet0,iface=", /must have key=value after each comma; "iface=" is not/],
  ["net_af_packet0,iface=dk0,", /"" is not/],
])("device %s is refused", (device, problem) => {
  const message = refusal({ device });
  expect(message).toMatch(problem);
  expect(message).toContain(`dpdk.device`);
  expect(message).toContain(`got "${device}"`);
});

const notAPrefix = "must be an address with its prefix length, as 10.7.0.2/24";
test.each([
  ["10.7.0.2", notAPrefix],
  ["10.7.0.2/33", notAPrefix],
  ["10.7.0.2/024", notAPrefix],
  ["10.7.0/24", notAPrefix],
  ["10.7.0.256/24", notAPrefix],
  ["fd07::2/64", notAPrefix],
  ["10.7.0.0/24", "must be the address of an interface, not of its network"],
  ["10.7.0.255/24", "must be the address of an interface, not the broadcast address"],
  ["127.0.0.1/8", "must be the address of an interface"],
  ["224.0.0.1/24", "must be the address of an interface"],
  ["0.0.0.1/24", "must be the address of an interface"],
])("ipv4 %s is refused", (ipv4, problem) => {
  expect(refusal({ ipv4 })).toBe(`dpdk.ipv4 ${problem}; got "${ipv4}"`);
});

test.each(["10.7.0.0/31", "10.7.0.255/32", "10.7.0.255/23"])("ipv4 %s", (ipv4) => {
  expect(nativeConfig({ ...least, ipv4 }).ipv4).toBe(ipv4);
});

test.each([
  ["mac", "02:00:00:00:00", "must be six pairs"],
  ["mac", "02-00-00-00-00-01", "must be six pairs"],
  ["mac", "01:00:00:00:00:01", "must be the address of one station"],
  ["mac", "ff:ff:ff:ff:ff:ff", "must be the address of one station"],
  ["mac", "00:00:00:00:00:00", "must be the address of one station"],
  ["gateway", "10.7.0.1/24", "must be an IPv4 address"],
  ["gateway", "router", "must be an IPv4 address"],
  ["gateway", "10.8.0.1", "must lie in 10.7.0.2/24"],
  ["gateway", "10.7.0.2", "must not be the own address"],
  ["ipv6", "fd07::2", "must be an address with its prefix length"],
  ["ipv6", "fd07::2/129", "must be an address with its prefix length"],
  ["ipv6", "fe80::1%dk0/64", "must be an address with its prefix length"],
  ["ipv6", "10.7.0.2/24", "must be an address with its prefix length"],
  ["capture", "a\0b", "must be the path of a file"],
  ["fault", "drop=2", "must have a rate from 0 to 1 for drop"],
  ["fault", "drop=-0.1", "must have a rate from 0 to 1 for drop"],
  ["fault", "drop", "must have a rate from 0 to 1 for drop"],
  ["fault", "drop=0.1,drop=0.2", "must not name drop twice"],
  ["fault", "delay=1", "must be made of drop=, duplicate=, reorder=, seed=, lose-sent= and lose-received="],
  ["fault", "seed=4294967296", "must have a whole number below 2^32 for seed"],
  ["fault", "lose-sent=0.5", "must have a whole number below 2^32 for lose-sent"],
  ["fault", "drop=0.1, seed=1", "must be made of"],
])("%s %j is refused", (key, value, problem) => {
  const message = refusal({ [key]: value });
  expect(message.startsWith(`dpdk.${key} ${problem}`)).toBe(true);
  expect(message.endsWith(`; got ${JSON.stringify(value)}`)).toBe(true);
});

test("IPv6 wants an MTU that carries it", () => {
  expect(refusal({ ipv6: "fd07::2/64", mtu: "576" })).toBe('dpdk.mtu must be at least 1280 for IPv6; got "576"');
  expect(nativeConfig({ ...least, mtu: "576" }).mtu).toBe("576");
});

test.each([
  ['{"10.8.0.1":"02:00:00:00:00:09"}', 'dpdk.arp["10.8.0.1"] must lie in 10.7.0.2/24'],
  ['{"peer":"02:00:00:00:00:09"}', 'dpdk.arp["peer"] must have an IPv4 address as its key'],
  ['{"10.7.0.1":"02"}', 'dpdk.arp["10.7.0.1"] must be a MAC address, as 02:00:00:00:00:09; got "02"'],
  [
    '{"10.7.0.1":"03:00:00:00:00:09"}',
    'dpdk.arp["10.7.0.1"] must be the MAC address of one station; got "03:00:00:00:00:09"',
  ],
])("arp %s is refused", (arp, message) => {
  expect(refusal({ arp })).toBe(message);
});

test.each([
  ['["--no-huge"]', 'dpdk.eal[0] must not be --no-huge: say hugepages: "never"'],
  [
    '["-n","4","--proc-type=secondary"]',
    "dpdk.eal[2] must not be --proc-type=secondary: this process is always the primary one",
  ],
  ['["-h"]', "dpdk.eal[0] must not be -h: it ends the process"],
  ['["a\\nb"]', 'dpdk.eal[0] must be one argument on one line; got "a\\nb"'],
])("eal %s is refused", (eal, message) => {
  expect(refusal({ eal })).toBe(message);
});

// What the schema says is core's to check: through openLibOS(), which comes that far without an addon.
test.each([
  [{ mtu: 575 }, "dpdk.mtu must be at least 576; got 575"],
  [{ mtu: 9001 }, "dpdk.mtu must be at most 9000; got 9001"],
  [{ mtu: "1500" }, 'dpdk.mtu must be of type integer; got "1500"'],
  [{ mbufs: 100 }, "dpdk.mbufs must be at least 1024; got 100"],
  [{ hugepages: "yes" }, 'dpdk.hugepages must be one of auto, never, required; got "yes"'],
  [{ eal: "--log-level=8" }, 'dpdk.eal must be of type array; got "--log-level=8"'],
  [{ eal: [1] }, "dpdk.eal[0] must be of type string; got 1"],
  [{ arp: { "10.7.0.1": 9 } }, /arp.* must be of type string; got 9/],
  [{ devise: "x" }, "devise is no known option; did you mean device?"],
])("openLibOS() with %j", async (values, message) => {
  const options: LibOSOptions = { libos: "dpdk", from: import.meta.url, ...least, ...values };
  await expect(openLibOS(options)).rejects.toMatchObject({
    code: "EINVAL",
    message: expect.stringMatching(message instanceof RegExp ? message : literally(message)),
  });
});

test("the backend's declaration", () => {
  expect(dpdk).toMatchObject({
    name: "dpdk",
    features: { tcp: true, udp: true, ipv6: true, dmtr: true, files: false },
  });
  for (const [key, value] of Object.entries(dpdk.limits())) expect(`${key}: ${value}`).toMatch(/\w: \w/);
});

function literally(text: string): RegExp {
  return new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

test("LIMITS.md has the options as their schema states them", () => {
  expect(optionsIn(new URL("../LIMITS.md", import.meta.url))).toBe(optionTable(dpdk.options));
});
