/** What load.mjs pushes and load-peer.mjs expects. */
import { createHash } from "node:crypto";
import { generator } from "../../../../tools/lab-vm/guest-cases.mjs";

/** Sizes from 1 to `most`, `bytes` of them in all: as many between 1 and 2 as between 2 and 4, and so on. */
export function* sizes(seed, bytes, most) {
  const random = generator(seed);
  yield 1;
  yield most;
  for (let left = bytes - most - 1; left > 0; ) {
    const size = Math.min(left, Math.floor(2 ** (random() * Math.log2(most + 1))), most);
    left -= size;
    yield size;
  }
}

/** Of the hashes whose result depends on the order, the one that emulated processors are quickest at: it is integer code throughout. */
export const hashOf = () => createHash("md5");
