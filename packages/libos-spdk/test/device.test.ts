import { mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LibOS, openLibOS, PushFlag } from "@demikernel/core";

const folder = mkdtempSync(join(tmpdir(), "demi-spdk-device-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const open = (device: string): Promise<LibOS> => openLibOS({ libos: "spdk", device, from: import.meta.url });
const refusal = (device: string): Promise<{ code: string; message: string }> =>
  open(device).then(
    (os) => {
      os.destroy();
      throw new Error("it opened");
    },
    (error) => error,
  );

test("a file that is not there is made, of the size that was asked for", async () => {
  const path = join(folder, "made");
  (await open(`file:${path},size=32MiB`)).destroy();
  expect(statSync(path).size).toBe(32 << 20);
});

test("a device that is open is EBUSY until it is closed", async () => {
  const device = `file:${join(folder, "busy")},size=16MiB`;
  const os = await open(device);
  expect((await refusal(device)).code).toBe("EBUSY");
  os.destroy();
  (await open(device)).destroy();
});

test("what is something else is never overwritten", async () => {
  const path = join(folder, "foreign");
  writeFileSync(path, Buffer.alloc(16 << 20, "somebody's data "));
  const { code, message } = await refusal(`file:${path}`);
  expect(code).toBe("EINVAL");
  expect(message).toContain("holds something that is no log");
});

test.each([
  ["disk:x", "EINVAL", /file:PATH/],
  ["file:", "EINVAL", /no path/],
  [`file:${folder}/x,size=many`, "EINVAL", /size is a number of bytes/],
  [`file:${folder}/missing/x`, "ENOENT", /cannot be opened/],
  [`file:${folder}/small,size=64KiB`, "ENOSPC", /too small for logs/],
  ["file:/dev/null", "EINVAL", /neither a file nor a block device/],
  ["spdk:0000:01:00.0,ns=none", "EINVAL", /ns=N, the number of a namespace/],
])("%s is %s", async (device, code, message) => {
  const error = await refusal(device);
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});

// An addon that was built with SPDK looks for the controller: no PCI device has such an address.
test("spdk: is refused with what to do, where the addon was built without SPDK", async () => {
  const { code, message } = await refusal("spdk:ffff:ff:1f.7");
  if (code === "ENODEV") expect(message).toMatch(/no such PCI device/);
  else
    expect([code, message]).toEqual([
      "EOPNOTSUPP",
      expect.stringMatching(/no SPDK: rebuild the addon.*spdk_nvme.*"nvme:ffff:ff:1f.7"/),
    ]);
});

test("a record that the arena could never hold is EMSGSIZE, and stays", async () => {
  const device = `file:${join(folder, "large")},size=32MiB`;
  const writer = await open(device);
  const log = writer.open("log", "a+");
  expect(writer.wait(writer.push(log, writer.alloc(200_000), PushFlag.FREE), 10_000).result).toBe(200_000);
  writer.destroy();
  const arena = [{ size: 4096, count: 64 }];
  const os = await openLibOS({ libos: "spdk", device, arena, from: import.meta.url });
  const again = os.open("log", "r");
  for (let i = 0; i < 2; i++) expect(os.wait(os.pop(again), 10_000).result).toBe(-90);
  os.destroy();
});

const EXT4 = 0xef53;
const XFS = 0x58465342;

test("what a file system has nothing for yet is filled ahead of small commits", async () => {
  const device = `file:${join(folder, "untouched")},size=16MiB`;
  let os = await open(device);
  const { "spdk.segments": segments, "spdk.untouchedSegments": untouched } = os.stats();
  // Others need not tell.
  if ([EXT4, XFS].includes(statfsSync(folder).type)) expect(untouched).toBe(segments);
  const log = os.open("log", "a+");
  const append = () => expect(os.wait(os.push(log, os.sga.from("small"), PushFlag.FREE), 10_000).result).toBe(5);
  const deadline = performance.now() + 60_000;
  for (let count = 0; count < 100 || os.stats()["spdk.filledSegments"] === 0; count++) {
    append();
    if (untouched === 0 || performance.now() > deadline) break;
  }
  const { "spdk.filledSegments": filled, "spdk.untouchedSegments": left } = os.stats();
  expect(filled > 0).toBe(untouched > 0);
  // The log began in one that was written to as it came.
  if (untouched > 0) expect(left).toBeLessThan(untouched - filled);
  os.destroy();
  os = await open(device);
  expect(os.stats()["spdk.untouchedSegments"]).toBe(left);
  os.destroy();
});

test("a full device has room again after unlink: as much as before, each time", async () => {
  const os = await open(`file:${join(folder, "emptied")},size=4MiB`);
  const other = os.open("other", "a+");
  expect(os.wait(os.push(other, os.sga.from("stays"), PushFlag.FREE), 10_000).result).toBe(5);
  const { "spdk.freeSegments": free } = os.stats();
  const kept: number[] = [];
  for (let round = 0; round < 3; round++) {
    const log = os.open("log", "ax+");
    let count = 0;
    while (os.wait(os.push(log, os.alloc(50_000), PushFlag.FREE), 10_000).result > 0) count++;
    kept.push(count);
    os.close(log);
    os.unlink("log");
    expect(os.stats()["spdk.freeSegments"]).toBe(free);
  }
  expect(kept[0]).toBeGreaterThan(20);
  expect(kept).toEqual([kept[0], kept[0], kept[0]]);
  expect(os.sga.copy(os.wait(os.pop(other), 10_000).sga).toString()).toBe("stays");
  os.destroy();
});

test("a full device is ENOSPC, loses nothing, and has room again after truncate", async () => {
  const os = await open(`file:${join(folder, "full")},size=4MiB`);
  const log = os.open("log", "a+");
  let kept = 0;
  let code = "";
  while (code === "") {
    const done = os.wait(os.push(log, os.sga.from(Buffer.alloc(10_000, kept)), PushFlag.FREE), 10_000);
    if (done.result < 0) code = String(done.result);
    else kept++;
  }
  expect(code).toBe("-28");
  expect(kept).toBeGreaterThan(100);
  for (let i = 0; i < kept; i++) {
    const done = os.wait(os.pop(log), 10_000);
    expect([done.result, os.sga.copy(done.sga)[0]]).toEqual([10_000, i & 255]);
    os.free(done.sga);
    if (i === kept >> 1) os.truncate(log, os.lseek(log, 0, "cur"));
  }
  expect(os.wait(os.push(log, os.sga.from("room again"), PushFlag.FREE), 10_000).result).toBe(10);
  os.destroy();
});
