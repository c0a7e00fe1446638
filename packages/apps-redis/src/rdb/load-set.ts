/** Sets: all integers and few of them are an intset, others a hashtable. */
import { validateIntset } from "../encodings/intset.js";
import { SetValue } from "../values/set.js";
import { BadFormat } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import type { RdbReader } from "./reader.js";

export function loadSet(reader: RdbReader, { keyspace, config }: Target): Loaded {
  const count = reader.count();
  const set = new SetValue().create(keyspace.heap);
  set.fit(config, count);
  reading(
    () => set.free(),
    () => {
      for (let i = 0; i < count; i++) {
        reader.string();
        const { bytes, at, length } = reader;
        keyspace.heap.demand(length);
        if (!set.add(bytes, at, length, config)) throw new BadFormat("a member twice");
      }
    },
  );
  return loaded(set);
}

export function loadIntset(reader: RdbReader, { keyspace, config }: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  if (!validateIntset(bytes, at, length, true)) throw new BadFormat("not an intset");
  const set = new SetValue().createIntset(keyspace.heap, bytes, at, length);
  set.fit(config);
  return loaded(set);
}

const loaded = (set: SetValue): Loaded => ({
  add: (db, key, at, length) => set.store(db, key, at, length),
  discard: () => set.free(),
});
