/** A libOS on one of the guest's controllers: by the package's own driver, or the one that DEMI_NVME_BY names. */
import { openLibOS } from "@demikernel/core";

/** All memory is locked when a libOS is opened, which takes long on emulated processors: less of it than by default. */
export const SMALL = {
  arena: [
    { size: 256, count: 2048 },
    { size: 4096, count: 2048 },
    { size: 65_536, count: 64 },
    { size: 1 << 20, count: 20 },
  ],
};

const by = process.env.DEMI_NVME_BY ?? "nvme";

export const openNvme = (controller, overrides = {}) =>
  openLibOS({ libos: "spdk", device: `${by}:${controller}`, from: import.meta.url, ...SMALL, ...overrides });
