import type { Ref } from "../../memory/heap.js";
import type { Integer } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";
import type { Stream } from "../../values/stream.js";
import type { StreamConsumer, StreamGroup } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { NONE } from "../../values/stream-index.js";
import {
  createPending,
  deliveriesOf,
  minus,
  NOBODY,
  plus,
  setDeliveries,
  setTime,
  timeOf,
} from "../../values/stream-pending.js";
import { bound, id, long, readId, shown, streamAndGroup } from "./arguments.js";
import { consumerFor } from "./deliver.js";
import { tellClaimed, tellGroupId } from "./propagate.js";
import { replyEntry } from "./reply.js";

/** The argument of XCLAIM from which on there are ids. */
const FIRST_ID = 5;

/** Who takes entries over: made when there is the first to take. */
class Claimant {
  consumer: StreamConsumer | undefined;
  claimed = 0;

  constructor(
    private readonly call: Call,
    private readonly stream: Stream,
    private readonly group: StreamGroup,
    private readonly time: Integer,
    private readonly deliveries: Integer | undefined,
    private readonly isJustId: boolean,
  ) {}

  /** `said`: as {@link tellClaimed} takes it. */
  take(id: StreamId, pending: Ref, said: string | number): void {
    const { call, group } = this;
    const { heap, keyspace } = call.db;
    this.consumer ??= consumerFor(call, group, call.args.text(3), 1);
    group.give(id, pending, this.consumer);
    setTime(heap, pending, this.time);
    if (this.deliveries !== undefined) setDeliveries(heap, pending, this.deliveries);
    else if (!this.isJustId) setDeliveries(heap, pending, plus(deliveriesOf(heap, pending), 1));
    if (this.isJustId) call.reply.text(id.text);
    else replyEntry(call.reply, this.stream, id);
    tellClaimed(call, groupOf(call), group, this.consumer, said, pending);
    this.claimed++;
    keyspace.dirty++;
  }
}

const groupOf = ({ args }: Call): { key: number; name: string } => ({ key: 1, name: args.text(2) });

/** An entry that was deleted is pending no more: who follows finds that out by the claim, too. */
function forget(call: Call, group: StreamGroup, id: StreamId, pending: Ref, said: string | number): void {
  const owner = group.ownerOf(pending);
  if (owner !== undefined) tellClaimed(call, groupOf(call), group, owner, said, pending);
  group.acknowledge(id);
  call.db.keyspace.dirty++;
}

export function xclaim(call: Call): void {
  const { args, db, reply } = call;
  const { heap, keyspace } = db;
  const found = streamAndGroup(call);
  if (found === undefined) return;
  const { stream, group } = found;
  const idle = long(call, 4, "Invalid min-idle-time argument for XCLAIM");
  if (idle === undefined) return;
  const ids: StreamId[] = [];
  let i = FIRST_ID;
  for (; i < args.count; i++) {
    const one = new StreamId();
    if (!readId(call, i, one)) break;
    ids.push(one);
  }
  const options = claimOptions(call, i);
  if (options === undefined) return;
  // What comes of it is told: it depends on when.
  call.server.propagation.instead(db.id);
  const { dirty } = keyspace;
  const advances = options.lastId.compare(group.lastId) > 0;
  if (advances) group.lastId.assign(options.lastId);
  const claimant = new Claimant(call, stream, group, options.time, options.deliveries, options.isJustId);
  const now = keyspace.now();
  const mark = reply.mark();
  for (const [n, one] of ids.entries()) {
    let pending = group.pending.find(one);
    if (!stream.has(one)) {
      if (pending !== 0) forget(call, group, one, pending, FIRST_ID + n);
      continue;
    }
    if (pending === 0) {
      if (!options.isForced) continue;
      heap.insist();
      pending = createPending(heap, now, 1, NOBODY);
      group.pending.add(one, pending);
    } else if (idle > 0 && minus(now, timeOf(heap, pending)) < idle) {
      continue;
    }
    claimant.take(one, pending, FIRST_ID + n);
  }
  // Claims tell it, too.
  if (advances && keyspace.dirty === dirty) {
    tellGroupId(call, groupOf(call), group);
    keyspace.dirty++;
  }
  reply.insert(mark, (head) => head.array(claimant.claimed));
}

interface ClaimOptions {
  time: Integer;
  deliveries: Integer | undefined;
  isForced: boolean;
  isJustId: boolean;
  lastId: StreamId;
}

/** Undefined: they are wrong, which was replied. */
function claimOptions(call: Call, from: number): ClaimOptions | undefined {
  const { args, reply } = call;
  const now = call.db.keyspace.now();
  let time: Integer = -1;
  const options: ClaimOptions = {
    time,
    deliveries: undefined,
    isForced: false,
    isJustId: false,
    lastId: new StreamId(),
  };
  for (let i = from; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (args.is(i, "force")) {
      options.isForced = true;
    } else if (args.is(i, "justid")) {
      options.isJustId = true;
    } else if (more > 0 && (args.is(i, "idle") || args.is(i, "time"))) {
      const isIdle = args.is(i, "idle");
      const value = long(call, ++i, `Invalid ${isIdle ? "IDLE" : "TIME"} option argument for XCLAIM`);
      if (value === undefined) return undefined;
      time = isIdle ? minus(now, value) : value;
    } else if (more > 0 && args.is(i, "retrycount")) {
      const value = long(call, ++i, "Invalid RETRYCOUNT option argument for XCLAIM");
      if (value === undefined) return undefined;
      options.deliveries = value < 0 ? undefined : value;
    } else if (more > 0 && args.is(i, "lastid")) {
      if (id(call, ++i, options.lastId) === undefined) return undefined;
    } else {
      reply.error(`ERR Unrecognized XCLAIM option '${shown(call, i)}'`);
      return undefined;
    }
  }
  options.time = time < 0 || time > now ? now : time;
  return options;
}

/** Entries that are looked at for each that is taken. */
const ATTEMPTS = 10;
const USUAL_COUNT = 100;
const MOST_COUNT = (2n ** 63n - 1n) / 16n;
/** Ids that Redis finds no memory for, at 16 bytes each. */
const MOST_IDS = 2 ** 40;

export function xautoclaim(call: Call): void {
  const { db, reply } = call;
  const { heap, keyspace } = db;
  const idle = long(call, 4, "Invalid min-idle-time argument for XAUTOCLAIM");
  if (idle === undefined) return;
  const start = bound(call, 5, false);
  if (start === undefined) return;
  const options = autoclaimOptions(call);
  if (options === undefined) return;
  const found = streamAndGroup(call);
  if (found === undefined) return;
  if (options.count > MOST_IDS)
    return reply.error("ERR Insufficient memory, failed allocating transient memory, COUNT too high.");
  const { group } = found;
  call.server.propagation.instead(db.id);
  const now = keyspace.now();
  const claimant = new Claimant(call, found.stream, group, now, undefined, options.isJustId);
  const deleted: string[] = [];
  const mark = reply.mark();
  let { count } = options;
  let at = group.pending.atOrAfter(start);
  for (let attempts = count * ATTEMPTS; attempts > 0 && count > 0 && at !== NONE; attempts--) {
    const pending = group.pending.refAt(at);
    group.pending.idAt(at, current);
    if (!found.stream.has(current)) {
      forget(call, group, current, pending, current.text);
      deleted.push(current.text);
      count--;
      at = group.pending.atOrAfter(current);
      continue;
    }
    at = group.pending.next(at);
    if (idle > 0 && minus(now, timeOf(heap, pending)) < idle) continue;
    claimant.take(current, pending, current.text);
    count--;
  }
  const cursor = at === NONE ? "0-0" : group.pending.idAt(at, current).text;
  reply.insert(mark, (head) => {
    head.array(3);
    head.text(cursor);
    head.array(claimant.claimed);
  });
  reply.texts(deleted);
}

function autoclaimOptions(call: Call): { count: number; isJustId: boolean } | undefined {
  const { args, reply } = call;
  const options = { count: USUAL_COUNT, isJustId: false };
  for (let i = 6; i < args.count; i++) {
    if (args.is(i, "count") && i + 1 < args.count) {
      const count = long(call, ++i, "COUNT must be > 0");
      if (count === undefined) return undefined;
      if (count < 1 || count > MOST_COUNT) {
        reply.error("ERR COUNT must be > 0");
        return undefined;
      }
      options.count = Number(count);
    } else if (args.is(i, "justid")) {
      options.isJustId = true;
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  return options;
}

const current = new StreamId();
