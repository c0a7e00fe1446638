import { type LibOSOptions, openLibOS } from "@demikernel/core";
import { optionTable } from "@demikernel/core/backend";
import { optionsIn } from "../../core/test/documented.js";
import rdma from "../src/index.js";
import { nativeConfig as config } from "../src/options.js";

const LARGEST_SLOT = 1 << 20;
const nativeConfig = (values: Record<string, string>) => config(values, LARGEST_SLOT);

/** The message of the error that opening with these values gives. */
function refusal(values: Record<string, string>): string {
  try {
    nativeConfig(values);
  } catch (error) {
    expect(error).toMatchObject({ errno: -22 });
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(values)} was accepted`);
}

test("nothing is needed, and what the addon then gets", () => {
  expect(nativeConfig({})).toEqual({
    provider: "auto",
    device: "",
    address: "",
    credits: "16",
    slot: "4096",
    receives: "20480",
    maxMessage: "1048576",
  });
});

test("everything", () => {
  const values = {
    provider: "verbs",
    device: "mlx5_0",
    address: "fd09::1",
    credits: "1024",
    slot: "65536",
    receives: "16384",
    maxMessage: "16777216",
  };
  expect(nativeConfig(values)).toEqual(values);
});

test.each([
  ["device", "rxe0"],
  ["device", "rocep1s0f0"],
  ["device", "eth0.7"],
  ["device", ""],
  ["address", "10.9.0.1"],
  ["address", "127.0.0.1"],
  ["address", "::1"],
  ["address", "fe80::1"],
  ["address", ""],
])("%s %j", (key, value) => {
  expect(nativeConfig({ [key]: value })[key]).toBe(value);
});

test.each([
  ["device", "rxe 0", "must be the name of an RDMA device or an interface"],
  ["device", "/dev/infiniband/uverbs0", "must be the name of an RDMA device or an interface"],
  ["device", "rxe0\0", "must be the name of an RDMA device or an interface"],
  ["device", "x".repeat(64), "must be the name of an RDMA device or an interface"],
  ["address", "10.9.0.1/24", "must be an IPv4 or IPv6 address"],
  ["address", "10.9.0", "must be an IPv4 or IPv6 address"],
  ["address", "localhost", "must be an IPv4 or IPv6 address"],
  ["address", "fe80::1%rxe0", "must be an IPv4 or IPv6 address"],
  ["address", "0.0.0.0", "must be the address of an interface; leave it out for any"],
  ["address", "::", "must be the address of an interface; leave it out for any"],
  ["address", "0:0::0", "must be the address of an interface; leave it out for any"],
  ["address", "224.0.0.1", "must be the address of an interface, not of a group"],
  ["address", "FF02::1", "must be the address of an interface, not of a group"],
  ["receives", "18", "must be at least 19, the credits of one connection and 3 more"],
])("%s %j is refused", (key, value, problem) => {
  expect(refusal({ [key]: value })).toBe(`rdma.${key} ${problem}; got ${JSON.stringify(value)}`);
});

test("posted receives have to fit", () => {
  expect(refusal({ credits: "1024", receives: "1026" })).toMatch(/^rdma\.receives must be at least 1027, /);
  expect(nativeConfig({ credits: "1024", receives: "1027" }).receives).toBe("1027");
  expect(refusal({ slot: "65536", receives: "16385" })).toMatch(
    /^rdma\.receives must be at most 16384 with 65536 bytes each, so that they fit into 1 GiB/,
  );
  expect(refusal({ credits: "20479" })).toMatch(/; got "20480"$/);
});

test("a message has to fit into one sga", () => {
  expect(config({}, 4096).maxMessage).toBe("65536");
  expect(config({ maxMessage: "65536" }, 4096).maxMessage).toBe("65536");
  expect(() => config({ maxMessage: "65537" }, 4096)).toThrow(
    'rdma.maxMessage must be at most 65536, 16 of the arena\'s largest slots; got "65537"',
  );
});

test("all that is wrong is said at once", () => {
  expect(refusal({ device: "a b", address: "peer", receives: "1" })).toMatch(
    /^rdma\.device .*; rdma\.address .*; rdma\.receives /,
  );
});

// What the schema says is core's to check: through openLibOS(), which comes that far without an addon.
test.each([
  [{ provider: "sockets" }, "rdma.provider must be one of auto, verbs, tcp, shm; got"],
  [{ device: 1 }, "rdma.device must be of type string; got 1"],
  [{ address: true }, "rdma.address must be of type string; got true"],
  [{ credits: 0 }, "rdma.credits must be at least 1; got 0"],
  [{ credits: 1025 }, "rdma.credits must be at most 1024; got 1025"],
  [{ credits: 1.5 }, "rdma.credits must be of type integer; got 1.5"],
  [{ slot: 192 }, "rdma.slot must be at least 256; got 192"],
  [{ slot: 300 }, "rdma.slot must be a multiple of 64; got 300"],
  [{ slot: 131072 }, "rdma.slot must be at most 65536; got 131072"],
  [{ receives: 63 }, "rdma.receives must be at least 64; got 63"],
  [{ receives: 131073 }, "rdma.receives must be at most 131072; got 131073"],
  [{ maxMessage: 63 }, "rdma.maxMessage must be at least 64; got 63"],
  [{ maxMessage: 16777217 }, "rdma.maxMessage must be at most 16777216; got 16777217"],
  [{ adress: "10.9.0.1" }, "adress is no known option; did you mean address?"],
])("openLibOS() with %j", async (values, message) => {
  const options: LibOSOptions = { libos: "rdma", from: import.meta.url, ...values };
  await expect(openLibOS(options)).rejects.toMatchObject({
    code: "EINVAL",
    message: expect.stringContaining(message),
  });
});

test("the backend's declaration", () => {
  expect(rdma).toMatchObject({
    name: "rdma",
    features: { tcp: true, udp: false, ipv6: true, dmtr: false, files: false, sleep: true, several: true },
  });
  for (const [key, value] of Object.entries(rdma.limits())) expect(`${key}: ${value}`).toMatch(/\w: \w/);
});

test("LIMITS.md has the options as their schema states them", () => {
  expect(optionsIn(new URL("../LIMITS.md", import.meta.url))).toBe(optionTable(rdma.options));
});
