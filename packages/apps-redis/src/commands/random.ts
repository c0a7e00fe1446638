/** What HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have in common: the count, and drawing elements. */

import { type Call, NOT_INTEGER } from "../server/call.js";
import { typeOf } from "../server/client-info.js";

/**
 * No reply is longer, and none than the client's hard limit of client-output-buffer-limit: the client is left, as Redis does at that limit. (Where
 * there is none, as by default, Redis goes on until its memory is at an end. This takes some seconds.)
 */
const MOST_BYTES = 2 ** 28;
/** Bytes of the shortest element, as it is replied. */
const LEAST_BYTES = 6;
const LARGEST = 2n ** 63n - 1n;
const OUT_OF_RANGE = `ERR value is out of range, value must between ${-LARGEST} and ${LARGEST}`;

/** Argument `i` as how many to draw; negative: also the same more than once. undefined: it is none, which was replied. */
export function randomCount(call: Call, i: number): bigint | undefined {
  const count = call.args.integer(i);
  if (count === undefined) call.reply.error(NOT_INTEGER);
  else if (count < -LARGEST) call.reply.error(OUT_OF_RANGE);
  else return count;
  return undefined;
}

/**
 * Replies `count` draws, each independent of the others, by `draw`, after the head that `begin` writes. Where that would be too long, the client
 * is left instead.
 */
export function replyDraws(call: Call, count: bigint, begin: (count: number) => void, draw: () => void): void {
  const { client, reply, server } = call;
  const mark = reply.mark();
  const { hard } = server.config.outputLimits[typeOf(client) === "pubsub" ? "pubsub" : "normal"];
  const most = hard === 0 ? MOST_BYTES : Math.min(hard, MOST_BYTES);
  if (count * BigInt(LEAST_BYTES) > BigInt(most)) return server.leave(client);
  const wanted = Number(count);
  begin(wanted);
  for (let n = wanted; n !== 0; n--) {
    draw();
    if (reply.length - mark <= most) continue;
    reply.rewind(mark);
    return server.leave(client);
  }
}

/** Brings `count` random ones of `all` to its front (Fisher and Yates; Durstenfeld). */
export function shuffleFront(all: number[], count: number): void {
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(Math.random() * (all.length - i));
    const one = all[i];
    all[i] = all[other];
    all[other] = one;
  }
}

/** `count` different ones that `draw` gives, of many more. */
export function drawDifferent(count: number, draw: () => number): Set<number> {
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(draw());
  return drawn;
}

/** With so many times the count, elements are drawn until they differ; of fewer all are put into an array. */
export const FEW_TIMES = 3;
