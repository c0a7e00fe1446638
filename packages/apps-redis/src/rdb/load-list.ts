/** Lists: nodes as they come where they are listpacks, of all older forms filled anew. */
import { Listpack } from "../encodings/listpack.js";
import { validateListpack } from "../encodings/listpack-validate.js";
import { addList, appendNode, newList } from "../values/stored-list.js";
import { BadFormat, Container, EmptyValue } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import type { RdbReader } from "./reader.js";
import { readZiplist } from "./ziplist.js";

type List = ReturnType<typeof newList>;

/** No other list is opened until it is added. */
function build({ keyspace, config }: Target, read: (list: List) => void): Loaded {
  const list = newList(keyspace.heap, config.listMaxListpackSize);
  const discard = (): void => {
    list.release(Number.POSITIVE_INFINITY);
  };
  return reading(discard, () => {
    read(list);
    if (list.count === 0) throw new EmptyValue("a list without elements");
    return { add: (db, key, at, length) => addList(db, key, at, length, list), discard };
  });
}

export function loadList(reader: RdbReader, target: Target): Loaded {
  const count = reader.count();
  return build(target, (list) => {
    for (let i = 0; i < count; i++) {
      reader.string();
      list.heap.demand(reader.length);
      list.push(false, reader.bytes, reader.at, reader.length);
    }
  });
}

export function loadZiplistList(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  return build(target, (list) =>
    readZiplist(bytes, at, length, (text, from, size) => list.push(false, text, from, size)),
  );
}

/** `hasContainers`: version 2, whose nodes may be one large element, too, and are listpacks; else ziplists. Empty ones are passed over. */
export function loadQuicklist(reader: RdbReader, target: Target, hasContainers: boolean): Loaded {
  const count = reader.count();
  return build(target, (list) => {
    for (let i = 0; i < count; i++) {
      const container = hasContainers ? reader.size() : Container.PACKED;
      if (container !== Container.PLAIN && container !== Container.PACKED)
        throw new BadFormat("an unknown node of a list");
      reader.string();
      const { bytes, at, length } = reader;
      if (length === 0) throw new BadFormat("a node of a list without bytes");
      if (container === Container.PLAIN) appendNode(list, true, bytes, at, length);
      else if (hasContainers) addListpack(list, bytes, at, length);
      else addZiplist(list, bytes, at, length);
    }
  });
}

function addListpack(list: List, bytes: Uint8Array, at: number, length: number): void {
  if (!validateListpack(bytes, at, length, true)) throw new BadFormat("not a listpack");
  if (length > EMPTY) appendNode(list, false, bytes, at, length);
}

/** Bytes of a listpack without elements. */
const EMPTY = 7;

function addZiplist(list: List, bytes: Uint8Array, at: number, length: number): void {
  const made = new Listpack().create(list.heap);
  try {
    readZiplist(bytes, at, length, (text, from, size) => {
      made.append(text, from, size);
    });
    if (made.byteLength > EMPTY) appendNode(list, false, made.bytes, made.base, made.byteLength);
  } finally {
    list.heap.free(made.ref);
  }
}
