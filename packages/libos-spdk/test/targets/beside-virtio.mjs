/** libos-dpdk on virtio, with logs as its storage; the other end is another process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// A Worker is told by the module's name on which pair of devices it is, and where their ends meet.
const { search, searchParams } = new URL(import.meta.url);
const folder = searchParams.get("folder") ?? mkdtempSync(join(tmpdir(), "demi-spdk-beside-"));
process.env.DEMI_BED_FOLDER = folder;
const { target: virtio } = await import(`../../../libos-dpdk/test/targets/virtio.mjs${search}`);

export const target = {
  ...virtio,
  name: "dpdk/virtio with spdk",
  storage: "spdk",
  storageOptions: (own) => ({ device: `file:${join(own, "device")},size=16MiB` }),
  open: (overrides) => virtio.open({ from: import.meta.url, ...overrides }),
  async end() {
    await virtio.end();
    rmSync(folder, { recursive: true, force: true });
  },
  get module() {
    return `${virtio.module.replace(/^[^?]*/, import.meta.url)}&folder=${encodeURIComponent(folder)}`;
  },
};
