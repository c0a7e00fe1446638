/** Sets: all integers and few of them are an intset, others a table. */
import { Intset, validateIntset } from "../encodings/intset.js";
import { Encoding, Type } from "../keyspace/types.js";
import type { Ref } from "../memory/heap.js";
import { parseInteger } from "../numbers/integers.js";
import { Element } from "../values/element.js";
import { SetTable } from "../values/set-table.js";
import { BadFormat } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import type { RdbReader } from "./reader.js";

const element = new Element();
const discardTable = (table: SetTable): void => {
  table.release(Number.POSITIVE_INFINITY);
};

export function loadSet(reader: RdbReader, { keyspace, config }: Target): Loaded {
  const { heap } = keyspace;
  const count = reader.count();
  const state: { integers?: Intset; table?: SetTable } = {};
  const isSmall = count <= Math.min(config.setMaxIntsetEntries, 2 ** 30);
  if (isSmall) state.integers = new Intset().create(heap);
  else state.table = new SetTable(heap);
  const discard = (): void => {
    if (state.table !== undefined) discardTable(state.table);
    else heap.free((state.integers as Intset).ref);
  };
  reading(discard, () => {
    for (let i = 0; i < count; i++) {
      reader.string();
      const { bytes, at, length } = reader;
      heap.demand(length);
      if (state.integers !== undefined) {
        const value = parseInteger(bytes, at, length);
        if (value !== undefined) {
          if (!state.integers.add(value)) throw new BadFormat("a member twice");
          continue;
        }
        state.table = tableOf(state.integers, new SetTable(heap));
        heap.free(state.integers.ref);
        state.integers = undefined;
      }
      if (!(state.table as SetTable).add(bytes, at, length)) throw new BadFormat("a member twice");
    }
  });
  return state.table === undefined
    ? intsetLoaded(state.integers as Intset, (ref) => heap.free(ref))
    : tableLoaded(state.table);
}

export function loadIntset(reader: RdbReader, { keyspace, config }: Target): Loaded {
  const { heap } = keyspace;
  reader.string();
  const { bytes, at, length } = reader;
  if (!validateIntset(bytes, at, length, true)) throw new BadFormat("not an intset");
  const integers = new Intset().copyFrom(heap, bytes, at, length);
  if (integers.length <= config.setMaxIntsetEntries) return intsetLoaded(integers, (ref) => heap.free(ref));
  const table = tableOf(integers, new SetTable(heap));
  heap.free(integers.ref);
  return tableLoaded(table);
}

function tableOf(integers: Intset, table: SetTable): SetTable {
  for (let i = 0; i < integers.length; i++) {
    element.setInteger(integers.get(i));
    table.add(element.bytes, element.at, element.length);
  }
  return table;
}

function intsetLoaded({ ref }: Intset, free: (ref: Ref) => void): Loaded {
  return {
    add: (db, key, at, length) => db.addBlob(key, at, length, Type.SET, Encoding.INTSET, ref),
    discard: () => free(ref),
  };
}

function tableLoaded(table: SetTable): Loaded {
  return {
    add: (db, key, at, length) => db.addObject(key, at, length, Type.SET, Encoding.HASHTABLE, table),
    discard: () => discardTable(table),
  };
}
