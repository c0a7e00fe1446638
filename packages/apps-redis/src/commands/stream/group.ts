import type { Integer } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";
import type { Stream } from "../../values/stream.js";
import { StreamGroup, UNKNOWN_READ } from "../../values/stream-group.js";
import { StreamId } from "../../values/stream-id.js";
import { addStream, id, long, shown, subcommandSyntaxError, writeStream } from "./arguments.js";
import { createConsumer } from "./deliver.js";

/** XGROUP name key group ... */
const KEY = 2;
const GROUP = 3;
const ID = 4;

export function create(call: Call): void {
  const { args, db, reply } = call;
  const options = groupOptions(call, true);
  if (options === undefined) return;
  let stream = writeStream(call, KEY);
  if (stream === null || (stream === undefined && !options.makesStream && needsKey(call))) return;
  if (args.count > 8) return subcommandSyntaxError(call);
  const from = groupId(call, stream, true);
  if (from === undefined) return;
  if (stream === undefined) {
    stream = addStream(call, KEY);
    call.changed(KEY);
    // That is not counted among the changes, but the group is.
    db.keyspace.dirty--;
    if (call.server.blocking.count !== 0) call.server.blocking.signal(db, args.text(KEY));
  }
  const name = args.text(GROUP);
  if (stream.groups.get(name) !== undefined) return reply.error("BUSYGROUP Consumer Group name already exists");
  stream.groups.set(name, new StreamGroup(db.heap, from, options.entriesRead));
  reply.ok();
  db.keyspace.dirty++;
  call.notify("t", "xgroup-create", KEY);
}

export function setId(call: Call): void {
  const { args, db, reply } = call;
  const options = groupOptions(call, false);
  if (options === undefined) return;
  const found = existing(call);
  if (found === undefined) return;
  if (args.count > 7) return subcommandSyntaxError(call);
  const last = groupId(call, found.stream, false);
  if (last === undefined) return;
  found.group.lastId.assign(last);
  found.group.entriesRead = options.entriesRead;
  reply.ok();
  db.keyspace.dirty++;
  call.notify("t", "xgroup-setid", KEY);
}

export function destroy(call: Call): void {
  const { args, db, reply, server } = call;
  const stream = writeStream(call, KEY);
  if (stream === null || (stream === undefined && needsKey(call))) return;
  const name = args.text(GROUP);
  const group = stream?.groups.get(name);
  if (stream === undefined || group === undefined) return reply.integer(0);
  stream.groups.delete(name);
  db.keyspace.releaseValue(group);
  reply.integer(1);
  db.keyspace.dirty++;
  call.notify("t", "xgroup-destroy", KEY);
  // Who waits in it is told.
  if (server.blocking.count !== 0) server.blocking.signal(db, args.text(KEY));
}

export function addConsumer(call: Call): void {
  const found = existing(call);
  if (found === undefined) return;
  const name = call.args.text(4);
  const isNew = found.group.consumers.get(name) === undefined;
  if (isNew) createConsumer(call, found.group, name, KEY);
  call.reply.integer(isNew ? 1 : 0);
}

export function removeConsumer(call: Call): void {
  const found = existing(call);
  if (found === undefined) return;
  const consumer = found.group.consumers.get(call.args.text(4));
  const pending = consumer?.pending.size ?? 0;
  if (consumer !== undefined) {
    found.group.removeConsumer(consumer);
    call.db.keyspace.dirty++;
    call.notify("t", "xgroup-delconsumer", KEY);
  }
  call.reply.integer(pending);
}

interface GroupOptions {
  makesStream: boolean;
  entriesRead: Integer;
}

/** Undefined: they are wrong, which was replied. */
function groupOptions(call: Call, isCreate: boolean): GroupOptions | undefined {
  const { args, reply } = call;
  const options: GroupOptions = { makesStream: false, entriesRead: UNKNOWN_READ };
  for (let i = ID + 1; i < args.count; i++) {
    if (isCreate && args.is(i, "mkstream")) {
      options.makesStream = true;
    } else if (args.is(i, "entriesread") && i + 1 < args.count) {
      const read = long(call, ++i);
      if (read === undefined) return undefined;
      if (read < 0 && read !== UNKNOWN_READ) {
        reply.error("ERR value for ENTRIESREAD must be positive or -1");
        return undefined;
      }
      options.entriesRead = read;
    } else {
      subcommandSyntaxError(call);
      return undefined;
    }
  }
  return options;
}

function groupId(call: Call, stream: Stream | undefined, strict: boolean): StreamId | undefined {
  if (!call.args.is(ID, "$")) return id(call, ID, new StreamId(), strict);
  return stream === undefined ? new StreamId() : stream.lastId.copy();
}

/** The stream and its group; undefined: they are not there, which was replied. */
function existing(call: Call): { stream: Stream; group: StreamGroup } | undefined {
  const stream = writeStream(call, KEY);
  if (stream === null) return undefined;
  if (stream === undefined) {
    needsKey(call);
    return undefined;
  }
  const group = stream.groups.get(call.args.text(GROUP));
  if (group !== undefined) return { stream, group };
  noGroup(call);
  return undefined;
}

export function noGroup(call: Call): void {
  call.reply.error(`NOGROUP No such consumer group '${shown(call, GROUP)}' for key name '${shown(call, KEY)}'`);
}

function needsKey(call: Call): true {
  call.reply.error(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
  );
  return true;
}
