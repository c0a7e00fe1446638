/** A libOS on one of the guest's controllers. */
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

export const openNvme = (controller, overrides = {}) =>
  openLibOS({ libos: "spdk", device: `nvme:${controller}`, from: import.meta.url, ...SMALL, ...overrides });
