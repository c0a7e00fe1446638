/** Points that are put into a sorted set, and what there is to know of them. */
import { distanceText } from "../../geo/distance.js";
import { bitsOf, encode, geohashText, MOST_STEPS, pointOf } from "../../geo/geohash.js";
import type { Reply } from "../../protocol/reply.js";
import type { Call } from "../../server/call.js";
import { Only, type Zset } from "../../values/zset.js";
import { type CommandSpec, keys } from "../command.js";
import { addScores } from "../zset/add.js";
import { nothing, readZset } from "../zset/zset.js";
import { family, pointAt, replyPoint, unitAt } from "./arguments.js";

function geoadd(call: Call): void {
  const { args } = call;
  let only = 0;
  let countsChanged = false;
  let first = 2;
  for (; first < args.count; first++) {
    if (args.is(first, "nx")) only |= Only.NEW;
    else if (args.is(first, "xx")) only |= Only.THERE;
    else if (args.is(first, "ch")) countsChanged = true;
    else break;
  }
  const count = Math.floor((args.count - first) / 3);
  const isBoth = only === (Only.NEW | Only.THERE);
  if (count === 0 || (args.count - first) % 3 !== 0 || isBoth) return call.syntaxError();
  const scores = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    const point = pointAt(call, first + n * 3);
    if (point === undefined) return;
    scores[n] = bitsOf(encode(point, MOST_STEPS));
  }
  const { dirty } = call.db.keyspace;
  addScores(call, scores, args, first + 2, 3, count, only, countsChanged);
  if (call.server.propagation.isOn && call.db.keyspace.dirty !== dirty) tellAsZadd(call, first, scores);
}

/** Elsewhere a place may come out otherwise. */
function tellAsZadd({ args, db, server }: Call, first: number, scores: Float64Array): void {
  const told = server.propagation
    .insteadOf(db.id, first + 2 * scores.length)
    .text("zadd")
    .argument(args, 1, first);
  for (const [n, score] of scores.entries()) told.integer(score).argument(args, first + 3 * n + 2);
}

/** Replies for each of the members that the arguments from 2 on name: `missing` for those that are not there. */
function each(call: Call, missing: (reply: Reply) => void, found: (reply: Reply, score: number) => void): void {
  const { args, reply } = call;
  let isMissing = false;
  const zset = readZset(call, 1, () => {
    isMissing = true;
  });
  if (zset === undefined && !isMissing) return;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const score = zset?.score(args.bytes, args.at(i), args.length(i)) ?? Number.NaN;
    if (Number.isNaN(score)) missing(reply);
    else found(reply, score);
  }
}

function geopos(call: Call): void {
  each(
    call,
    (reply) => reply.nullArray(),
    (reply, score) => replyPoint(reply, pointOf(score)),
  );
}

function geohash(call: Call): void {
  each(call, nothing, (reply, score) => reply.text(geohashText(score)));
}

function geodist(call: Call): void {
  const { args, reply } = call;
  const unit = args.count === 5 ? unitAt(call, 4) : 1;
  if (unit === undefined) return;
  if (args.count > 5) return call.syntaxError();
  const zset = readZset(call, 1, nothing);
  if (zset === undefined) return;
  const from = scoreAt(call, zset, 2);
  const to = scoreAt(call, zset, 3);
  if (Number.isNaN(from) || Number.isNaN(to)) return reply.null();
  reply.text(distanceText(pointOf(from), pointOf(to), unit));
}

function scoreAt({ args }: Call, zset: Zset, i: number): number {
  return zset.score(args.bytes, args.at(i), args.length(i));
}

const read = { ...family, arity: -2, flags: "readonly", since: "3.2.0", keys: keys("RO access") };

export const pointCommands: readonly CommandSpec[] = [
  {
    ...family,
    name: "geoadd",
    arity: -5,
    flags: "write denyoom",
    since: "3.2.0",
    complexity: "O(log(N)) for each of the members, of N that there are",
    summary: "Adds members with their longitudes and latitudes, or moves those that are there.",
    keys: keys("RW update"),
    handler: geoadd,
  },
  {
    ...read,
    name: "geopos",
    complexity: "O(N) for N members",
    summary: "The longitudes and latitudes of members.",
    handler: geopos,
  },
  {
    ...read,
    name: "geodist",
    arity: -4,
    complexity: "O(log(N))",
    summary: "How far two members are apart.",
    handler: geodist,
  },
  {
    ...read,
    name: "geohash",
    complexity: "O(log(N)) for each of the members, of N that there are",
    summary: "The geohashes of members, as texts.",
    handler: geohash,
  },
];
