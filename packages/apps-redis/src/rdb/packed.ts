/** Listpacks of whoever sent them. */
import { Listpack } from "../encodings/listpack.js";
import { validateListpack } from "../encodings/listpack-validate.js";
import type { Heap } from "../memory/heap.js";
import { Element } from "../values/element.js";
import { BadFormat } from "./format.js";

/** Tells an element's text. */
export type FoundText = (bytes: Uint8Array, at: number, length: number) => void;

/** Tells all elements from first to last. Throws {@link BadFormat} where it is none. */
export function readListpack(heap: Heap, bytes: Uint8Array, at: number, length: number, found: FoundText): void {
  if (!validateListpack(bytes, at, length, true)) throw new BadFormat("not a listpack");
  const list = new Listpack().copyFrom(heap, bytes, at, length);
  const element = new Element();
  try {
    for (let p = list.first(); p !== 0; p = list.next(p)) {
      element.setListpack(list, p);
      found(element.bytes, element.at, element.length);
    }
  } finally {
    heap.free(list.ref);
  }
}
