/** Elements for listpacks in tests, and the bytes of one. */
import type { Listpack } from "../src/encodings/listpack.js";
import type { Random } from "./random.js";

const LENGTHS = [0, 1, 2, 5, 20, 62, 63, 64, 65, 126, 127, 128, 300, 4095, 4096, 16378, 16379, 16380, 16400];

/** An integer of any width, or bytes of a length at or beside an edge. */
export function text(random: Random): string {
  const kind = random.below(10);
  if (kind < 4) return random.integerText();
  return random.bytes(kind < 9 ? random.below(80) : random.pick(LENGTHS));
}

export const bytesOf = (list: Listpack) =>
  Buffer.from(list.bytes.subarray(list.base, list.base + list.byteLength)).toString("latin1");
