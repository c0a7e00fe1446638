import { chunkOf, offsetOf } from "../../memory/heap.js";
import { HEADER, keyLengthOf } from "../../memory/record.js";
import { formatDouble } from "../../numbers/doubles.js";
import type { Call } from "../../server/call.js";
import type { Zset } from "../../values/zset.js";
import type { ZsetObject } from "../../values/zset-object.js";
import { type CommandSpec, keys } from "../command.js";
import { replyScan, type ScanOptions, scanCursor, scanDict, scanMatches, scanOptions } from "../scan.js";
import { family, readZset, replyMember } from "./zset.js";

function zscan(call: Call): void {
  const cursor = scanCursor(call, 2);
  if (cursor === undefined) return;
  const zset = readZset(call, 1, (reply) => {
    reply.array(2);
    reply.text("0");
    reply.array(0);
  });
  const options = zset === undefined ? undefined : scanOptions(call, 3);
  if (zset === undefined || options === undefined) return;
  replyScan(call, () => {
    const { object } = zset;
    return object === undefined ? scanSmall(call, zset, options) : scanLarge(call, object, cursor, options);
  });
}

/** All of it at once. */
function scanSmall(call: Call, zset: Zset, options: ScanOptions): { cursor: number; count: number } {
  let count = 0;
  zset.seek(0);
  do {
    if (!scanMatches(call, options, zset.text, zset.textAt, zset.textLength)) continue;
    replyMember(call.reply, zset);
    call.reply.text(zset.currentScoreText());
    count += 2;
  } while (zset.step(1));
  return { cursor: 0, count };
}

function scanLarge(call: Call, object: ZsetObject, from: number, options: ScanOptions) {
  const { heap } = object;
  let count = 0;
  const cursor = scanDict(object.dict, from, options, (member) => {
    const bytes = heap.bytes[chunkOf(member)];
    const at = offsetOf(member) + HEADER;
    const length = keyLengthOf(heap, member);
    if (!scanMatches(call, options, bytes, at, length)) return;
    call.reply.bulk(bytes, at, length);
    call.reply.text(formatDouble(object.scoreOf(member)));
    count += 2;
  });
  return { cursor, count };
}

export const scanCommands: readonly CommandSpec[] = [
  {
    ...family,
    name: "zscan",
    arity: -3,
    flags: "readonly",
    since: "2.8.0",
    complexity: "O(1) for each call, O(N) for all N members",
    summary: "Members with their scores, some with each call.",
    hints: "nondeterministic_output",
    keys: keys("RO access"),
    handler: zscan,
  },
];
