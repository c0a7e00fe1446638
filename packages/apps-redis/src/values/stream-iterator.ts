/** Walks through the entries of a stream between two ids, either way. The stream must not be changed meanwhile. */
import { ListpackReader } from "../encodings/listpack-reader.js";
import type { Reply } from "../protocol/reply.js";
import type { Stream } from "./stream.js";
import { SAFE_HIGH, StreamId, TWO_32 } from "./stream-id.js";
import { NONE } from "./stream-index.js";
import { Flag } from "./stream-node.js";

export class StreamIterator {
  /** Of the entry that next() has found: its id, its fields, where its flags are in {@link pack}, and the node in the stream's index. */
  readonly id = new StreamId();
  fields = 0;
  flagsAt = 0;
  position = NONE;
  readonly pack = new ListpackReader();
  /** Deleted entries are found, too. */
  withDeleted = false;
  private stream!: Stream;
  private readonly start = new StreamId();
  private readonly end = new StreamId();
  private isReversed = false;
  private readonly master = new StreamId();
  private masterFields = 0;
  private masterFieldsAt = 0;
  /** Forward: where the next elements are, and how many of them belong to the entry before. Backward: the next entry's last element. 0: none. */
  private at = 0;
  private rest = 0;
  /** Of the entry: where its values begin, and whether its fields are the master entry's. */
  private valuesAt = 0;
  private hasMasterFields = false;

  /** `start` and `end` belong to the range. */
  open(stream: Stream, start: StreamId, end: StreamId, isReversed = false): this {
    const { nodes } = stream;
    this.stream = stream;
    this.start.assign(start);
    this.end.assign(end);
    this.isReversed = isReversed;
    this.withDeleted = false;
    this.position = nodes.atOrBefore(isReversed ? end : start);
    if (this.position === NONE) this.position = isReversed ? NONE : nodes.first();
    if (this.position !== NONE) this.openNode();
    return this;
  }

  /** To the next entry; false: there is none. */
  next(): boolean {
    return this.isReversed ? this.nextBackward() : this.nextForward();
  }

  /** Writes the entry: its id, then fields and values. */
  emit(reply: Reply): void {
    const { pack } = this;
    reply.array(2);
    replyId(reply, this.id);
    reply.array(this.fields * 2);
    let at = this.valuesAt;
    let field = this.masterFieldsAt;
    for (let i = 0; i < this.fields; i++) {
      if (this.hasMasterFields) {
        this.emitElement(reply, field);
        field = pack.next(field);
      } else {
        this.emitElement(reply, at);
        at = pack.next(at);
      }
      this.emitElement(reply, at);
      at = pack.next(at);
    }
    if (!this.isReversed) {
      this.at = at;
      this.rest = 1;
    }
  }

  /** Fields and values, each field before its value. */
  eachText(visit: (text: string) => void): void {
    const { pack } = this;
    let at = this.valuesAt;
    let field = this.masterFieldsAt;
    for (let i = 0; i < this.fields * 2; i++) {
      if (this.hasMasterFields && i % 2 === 0) {
        visit(pack.string(field));
        field = pack.next(field);
      } else {
        visit(pack.string(at));
        at = pack.next(at);
      }
    }
  }

  private emitElement(reply: Reply, at: number): void {
    const { pack } = this;
    if (pack.isInteger(at)) reply.digits(pack.integer(at));
    else reply.bulk(pack.bytes, pack.textStart(at), pack.size(at));
  }

  private nextForward(): boolean {
    const { id } = this;
    while (this.position !== NONE) {
      this.skipRest();
      if (this.at === 0) {
        this.position = this.stream.nodes.next(this.position);
        if (this.position !== NONE) this.openNode();
        continue;
      }
      const flags = this.readHead(this.at);
      this.at = this.valuesAt;
      this.rest = (this.hasMasterFields ? this.fields : this.fields * 2) + 1;
      if ((flags & Flag.DELETED) !== 0 && !this.withDeleted) continue;
      if (id.compare(this.start) < 0) continue;
      return id.compare(this.end) <= 0;
    }
    return false;
  }

  private nextBackward(): boolean {
    const { id, pack } = this;
    while (this.position !== NONE) {
      let elements = Number(pack.integer(this.at));
      if (elements === 0) {
        this.position = this.stream.nodes.prev(this.position);
        if (this.position !== NONE) this.openNode();
        continue;
      }
      let begin = this.at;
      for (; elements > 0; elements--) begin = pack.prev(begin);
      const flags = this.readHead(begin);
      this.at = pack.prev(begin);
      if ((flags & Flag.DELETED) !== 0 && !this.withDeleted) continue;
      if (id.compare(this.end) > 0) continue;
      return id.compare(this.start) >= 0;
    }
    return false;
  }

  private openNode(): void {
    const { pack } = this;
    const { nodes } = this.stream;
    nodes.idAt(this.position, this.master);
    pack.open(this.stream.heap, nodes.refAt(this.position));
    // Behind the number of entries and of deleted ones.
    const at = pack.next(pack.next(pack.first()));
    this.masterFields = Number(pack.integer(at));
    this.masterFieldsAt = pack.next(at);
    if (this.isReversed) {
      this.at = pack.last();
      return;
    }
    this.at = this.masterFieldsAt;
    this.rest = this.masterFields + 1;
  }

  private skipRest(): void {
    const { pack } = this;
    let { at } = this;
    for (let rest = this.rest; rest > 0; rest--) at = pack.next(at);
    this.at = at;
    this.rest = 0;
  }

  /** Of the entry that begins at `at`; returns its flags. */
  private readHead(at: number): number {
    const { pack } = this;
    this.flagsAt = at;
    const flags = Number(pack.integer(at));
    const ms = pack.next(at);
    const seq = pack.next(ms);
    this.id.setSum(this.master, pack.integer(ms), pack.integer(seq));
    let next = pack.next(seq);
    this.hasMasterFields = (flags & Flag.SAME_FIELDS) !== 0;
    if (this.hasMasterFields) {
      this.fields = this.masterFields;
    } else {
      this.fields = Number(pack.integer(next));
      next = pack.next(next);
    }
    this.valuesAt = next;
    return flags;
  }
}

/** Mostly both parts are numbers that a double has. */
export function replyId(reply: Reply, id: StreamId): void {
  const { msHigh, seqHigh } = id;
  if (msHigh >= SAFE_HIGH || seqHigh >= SAFE_HIGH) return reply.text(id.text);
  reply.dashed(msHigh * TWO_32 + id.msLow, seqHigh * TWO_32 + id.seqLow);
}
