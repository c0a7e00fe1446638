/** Streams of 5.0 to 7.0. Their listpacks are what commands walk through, so all of their structure is looked at first. */
import { Listpack } from "../encodings/listpack.js";
import { validateListpack } from "../encodings/listpack-validate.js";
import { Encoding, Type } from "../keyspace/types.js";
import { type Integer, shortened } from "../numbers/integers.js";
import { Stream } from "../values/stream.js";
import { StreamGroup } from "../values/stream-group.js";
import { StreamId } from "../values/stream-id.js";
import { NONE } from "../values/stream-index.js";
import { validateNode } from "../values/stream-node.js";
import { consumerOf, createPending, NOBODY, setConsumer } from "../values/stream-pending.js";
import { BadFormat } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import type { RdbReader } from "./reader.js";

const ID_BYTES = 16;

/** `isSecond`: with the first id, the largest deleted one, and what was ever added and read, as 7.0 has it. */
export function loadStream(reader: RdbReader, { keyspace }: Target, isSecond: boolean): Loaded {
  const stream = new Stream(keyspace.heap);
  const discard = (): void => {
    stream.release(Number.POSITIVE_INFINITY);
  };
  reading(discard, () => {
    const entries = loadNodes(reader, stream);
    stream.length = reader.size();
    if (stream.length !== entries) throw new BadFormat("another number of entries than there are");
    loadId(reader, stream.lastId);
    const last = stream.nodes.last();
    if (last !== NONE && stream.nodes.idAt(last, id).compare(stream.lastId) > 0)
      throw new BadFormat("entries behind the last id");
    if (isSecond) {
      loadId(reader, stream.firstId);
      loadId(reader, stream.maxDeletedId);
      stream.entriesAdded = load64(reader);
    } else {
      stream.entriesAdded = stream.length;
      stream.findFirst();
    }
    for (let left = reader.size(); left > 0; left--) loadGroup(reader, stream, isSecond);
  });
  return {
    add: (db, key, at, length) => db.addObject(key, at, length, Type.STREAM, Encoding.STREAM, stream),
    discard,
  };
}

/** Returns how many entries there are that are not deleted. */
function loadNodes(reader: RdbReader, stream: Stream): number {
  let entries = 0;
  for (let left = reader.size(); left > 0; left--) {
    reader.string();
    if (reader.length !== ID_BYTES) throw new BadFormat("a node's id of another size");
    const master = new StreamId().read(reader.bytes, reader.at);
    if (stream.nodes.positionOf(master) !== NONE) throw new BadFormat("a node twice");
    reader.string();
    const { bytes, at, length } = reader;
    if (!validateListpack(bytes, at, length, true)) throw new BadFormat("not a listpack");
    stream.heap.demand(length);
    pack.copyFrom(stream.heap, bytes, at, length);
    stream.addNode(master, pack.ref);
    const found = validateNode(pack);
    if (found === undefined) throw new BadFormat("not a stream's node");
    entries += found;
  }
  return entries;
}

function loadGroup(reader: RdbReader, stream: Stream, isSecond: boolean): void {
  const { heap } = stream;
  const name = reader.text();
  if (stream.groups.get(name) !== undefined) throw new BadFormat("a group twice");
  const lastId = loadId(reader, new StreamId());
  const group = new StreamGroup(heap, lastId, isSecond ? load64(reader) : stream.distanceOf(lastId));
  stream.groups.set(name, group);
  for (let left = reader.size(); left > 0; left--) {
    rawId(reader);
    const time = shortened(reader.int64());
    const deliveries = load64(reader);
    if (group.pending.positionOf(id) !== NONE) throw new BadFormat("pending twice");
    heap.demand(0);
    group.pending.add(id, createPending(heap, time, deliveries, NOBODY));
  }
  let owned = 0;
  for (let left = reader.size(); left > 0; left--) owned += loadConsumer(reader, group, stream);
  if (owned !== group.pending.size) throw new BadFormat("pending for nobody");
}

/** Returns how many are pending for it. */
function loadConsumer(reader: RdbReader, group: StreamGroup, { heap }: Stream): number {
  const name = reader.text();
  if (group.consumers.get(name) !== undefined) throw new BadFormat("a consumer twice");
  const consumer = group.addConsumer(name, shortened(reader.int64()));
  for (let left = reader.size(); left > 0; left--) {
    rawId(reader);
    const pending = group.pending.find(id);
    if (pending === 0) throw new BadFormat("pending for a consumer only");
    if (consumerOf(heap, pending) !== NOBODY) throw new BadFormat("pending for two");
    setConsumer(heap, pending, consumer.number);
    consumer.pending.add(id, pending);
  }
  return consumer.pending.size;
}

function rawId(reader: RdbReader): void {
  reader.raw(ID_BYTES);
  id.read(reader.bytes, reader.at);
}

function loadId(reader: RdbReader, into: StreamId): StreamId {
  const ms = load64(reader);
  return into.setParts(ms, load64(reader));
}

/** As a signed integer. */
function load64(reader: RdbReader): Integer {
  const value = reader.bigSize();
  return typeof value === "number" ? value : shortened(BigInt.asIntN(64, value));
}

const pack = new Listpack();
const id = new StreamId();
