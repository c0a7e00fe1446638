import type { Call } from "../../server/call.js";
import { bound, count, readStream } from "./arguments.js";
import { replyRange } from "./reply.js";

export const xrange = (call: Call): void => range(call, false);
export const xrevrange = (call: Call): void => range(call, true);

function range(call: Call, isReversed: boolean): void {
  const { args, reply } = call;
  const start = bound(call, isReversed ? 3 : 2, false);
  if (start === undefined) return;
  const end = bound(call, isReversed ? 2 : 3, true);
  if (end === undefined) return;
  let most: number | undefined;
  for (let i = 4; i < args.count; i += 2) {
    if (!args.is(i, "count") || i + 1 === args.count) return call.syntaxError();
    most = count(call, i + 1);
    if (most === undefined) return;
  }
  const stream = readStream(call, 1);
  if (stream === null) return;
  if (stream === undefined) return reply.array(0);
  if (most !== undefined && most <= 0) return reply.nullArray();
  replyRange(reply, stream, start, end, most ?? 0, isReversed);
}

export function xlen(call: Call): void {
  const stream = readStream(call, 1);
  if (stream !== null) call.reply.integer(stream?.length ?? 0);
}
