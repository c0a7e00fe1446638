/** How what is read and claimed in a group is told: not by what was asked, which depends on times, but by what came of it. */

import type { Ref } from "../../memory/heap.js";
import type { Call } from "../../server/call.js";
import type { StreamConsumer, StreamGroup } from "../../values/stream-group.js";
import { deliveriesOf, timeOf } from "../../values/stream-pending.js";

/** Which argument is a stream's key, and the name of a group of it. */
export interface GroupName {
  key: number;
  name: string;
}

/** An entry is pending, of this consumer, since then; `id` is text, or the argument that it was said by. The command itself is not told. */
export function tellClaimed(
  { args, db, server }: Call,
  { key, name }: GroupName,
  group: StreamGroup,
  consumer: StreamConsumer,
  id: string | number,
  pending: Ref,
): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  const told = propagation.insteadOf(db.id, 14).text("XCLAIM").argument(args, key).text(name);
  told.text(consumer.name).text("0");
  if (typeof id === "string") told.text(id);
  else told.argument(args, id);
  told.text("TIME").integer(timeOf(db.heap, pending)).text("RETRYCOUNT").integer(deliveriesOf(db.heap, pending));
  told.text("FORCE").text("JUSTID").text("LASTID").text(group.lastId.text);
}

/** Up to where a group has read. */
export function tellGroupId({ args, db, server }: Call, { key, name }: GroupName, group: StreamGroup): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  const told = propagation.insteadOf(db.id, 7).text("XGROUP").text("SETID").argument(args, key).text(name);
  told.text(group.lastId.text).text("ENTRIESREAD").integer(group.entriesRead);
}

/** A consumer was made, of whom nothing else tells. */
export function tellConsumer({ args, db, server }: Call, { key, name }: GroupName, consumer: StreamConsumer): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  const told = propagation.insteadOf(db.id, 5).text("XGROUP").text("CREATECONSUMER");
  told.argument(args, key).text(name).text(consumer.name);
}
