/** What was popped from a socket goes to the device from where the network left it, but for the bytes that share a block with others. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LibOS, openLibOS, PushFlag, type QueueDescriptor } from "@demikernel/core";

const folder = mkdtempSync(join(tmpdir(), "demi-spdk-in-place-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasRdma = existsSync(
  fileURLToPath(new URL("../../libos-rdma/prebuilds/linux-x64/demi_rdma.node", import.meta.url)),
);
const reason = hasRdma || process.env.CI === "true" ? "" : " (the addon of libos-rdma is not built here)";
/** O_DIRECT takes memory by these, and so do the blocks of a file on most disks. */
const BLOCK = 512;
const PATIENCE = 10_000;

/** Both ends of a connection. */
async function connection(os: LibOS): Promise<[QueueDescriptor, QueueDescriptor]> {
  const listener = os.socket("tcp");
  os.bind(listener, { host: "127.0.0.1", port: 0 });
  os.listen(listener);
  const to = os.socket("tcp");
  const [from] = await Promise.all([os.async.accept(listener), os.async.connect(to, os.getsockname(listener))]);
  os.close(listener);
  return [to, from];
}

/** Sends, pops, appends; what of it was copied, and what went down in place. */
async function appendPopped(os: LibOS, sizes: readonly number[]) {
  const log = os.open("log", "a+");
  const [to, from] = await connection(os);
  const before = os.stats();
  let records = 0;
  let bytes = 0;
  for (const size of sizes) {
    const sent = os.push(to, os.sga.from(Buffer.alloc(size, records + 1)), PushFlag.FREE);
    for (let got = 0; got < size; ) {
      const { result, sga } = os.wait(os.pop(from), PATIENCE);
      expect(result).toBeGreaterThan(0);
      got += result;
      const contents = os.sga.copy(sga);
      expect(os.wait(os.push(log, sga, PushFlag.FREE), PATIENCE).result).toBe(result);
      const read = os.wait(os.pop(log), PATIENCE);
      expect(os.sga.copy(read.sga).equals(contents)).toBe(true);
      os.free(read.sga);
      records++;
      bytes += result;
    }
    os.wait(sent, PATIENCE);
  }
  const after = os.stats();
  const grown = (name: string) => (after[`spdk.${name}`] as number) - (before[`spdk.${name}`] as number);
  return { records, bytes, copied: grown("copiedBytes"), inPlace: grown("inPlaceBytes") };
}

describe.each([
  ["posix", { libos: "posix" }, [1025, 1500, 2048, 3000, 4000], ""],
  // Of a message in several fragments each begins where its header ends: only the first lies as the record's blocks do.
  ["rdma, shm", { libos: "rdma", provider: "shm" }, [1025, 1500, 2048, 3000, 4000], reason],
] as const)("beside %s", (name, options, sizes, missing) => {
  (missing === "" ? test : test.skip)(`records above 1 KiB are not copied but for their edges${missing}`, async () => {
    const device = `file:${join(folder, name)},size=16MiB`;
    const os = await openLibOS({ ...options, storage: "spdk", spdk: { device }, from: import.meta.url });
    try {
      const { records, bytes, copied, inPlace } = await appendPopped(os, sizes);
      expect(records).toBe(sizes.length);
      expect(copied + inPlace).toBe(bytes);
      // The first block and the last are shared with headers and with what fills them.
      expect(copied).toBeLessThanOrEqual(records * 2 * (BLOCK - 1));
      expect(inPlace).toBeGreaterThan(bytes / 2);
    } finally {
      os.destroy();
    }
  });

  (missing === "" ? test : test.skip)(`records up to 1 KiB share blocks${missing}`, async () => {
    const device = `file:${join(folder, `${name} small`)},size=16MiB`;
    const os = await openLibOS({ ...options, storage: "spdk", spdk: { device }, from: import.meta.url });
    try {
      const { bytes, copied, inPlace } = await appendPopped(os, [1, 64, 1024]);
      expect({ copied, inPlace }).toEqual({ copied: bytes, inPlace: 0 });
    } finally {
      os.destroy();
    }
  });
});
