/** Streams: their nodes, what is known of ids, and groups with what is pending in them. */
import { chunkOf, type Heap, offsetOf } from "../memory/heap.js";
import type { Integer } from "../numbers/integers.js";
import type { Stream } from "../values/stream.js";
import type { StreamGroup } from "../values/stream-group.js";
import { StreamId } from "../values/stream-id.js";
import { NONE, type StreamIndex } from "../values/stream-index.js";
import { deliveriesOf, timeOf } from "../values/stream-pending.js";
import { RdbType } from "./format.js";
import type { RdbWriter } from "./writer.js";

const ID_BYTES = 16;

export function saveStream(writer: RdbWriter, stream: Stream): void {
  const { heap, nodes } = stream;
  writer.type(RdbType.STREAM_LISTPACKS_2);
  writer.size(nodes.size);
  for (let at = nodes.first(); at !== NONE; at = nodes.next(at)) {
    nodes.idAt(at, id).write(idBytes, 0);
    writer.string(idBytes, 0, ID_BYTES);
    const node = nodes.refAt(at);
    const begin = offsetOf(node);
    writer.string(heap.bytes[chunkOf(node)], begin, heap.words[chunkOf(node)][begin >>> 2] >>> 0);
  }
  writer.size(stream.length);
  saveId(writer, stream.lastId);
  saveId(writer, stream.firstId);
  saveId(writer, stream.maxDeletedId);
  save64(writer, stream.entriesAdded);
  writer.size(stream.groups.size);
  for (const [name, group] of stream.groups.entries()) {
    writer.text(name);
    saveGroup(writer, heap, group);
  }
}

function saveGroup(writer: RdbWriter, heap: Heap, { consumers, entriesRead, lastId, pending }: StreamGroup): void {
  saveId(writer, lastId);
  save64(writer, entriesRead);
  savePending(writer, pending, (ref) => {
    writer.int64(timeOf(heap, ref));
    save64(writer, deliveriesOf(heap, ref));
  });
  writer.size(consumers.size);
  for (const [name, consumer] of consumers.entries()) {
    writer.text(name);
    writer.int64(consumer.seen);
    savePending(writer, consumer.pending, () => {});
  }
}

function savePending(writer: RdbWriter, pending: StreamIndex, rest: (ref: number) => void): void {
  writer.size(pending.size);
  for (let at = pending.first(); at !== NONE; at = pending.next(at)) {
    pending.idAt(at, id).write(idBytes, 0);
    writer.raw(idBytes, 0, ID_BYTES);
    rest(pending.refAt(at));
  }
}

function saveId(writer: RdbWriter, { ms, seq }: StreamId): void {
  save64(writer, ms);
  save64(writer, seq);
}

/** 64 bits as a length has them: without a sign. */
function save64(writer: RdbWriter, value: Integer): void {
  if (typeof value === "number" && value >= 0) writer.size(value);
  else writer.bigSize(BigInt.asUintN(64, BigInt(value)));
}

const id = new StreamId();
const idBytes = new Uint8Array(ID_BYTES);
