/** GEOSEARCH, GEORADIUS and their like: members of a sorted set whose scores are geohashes, by where they lie. */
import { distanceText, exactDistance } from "../../geo/distance.js";
import { type Geohash, type Point, pointOf } from "../../geo/geohash.js";
import { coveringOf, distanceWithin, type Shape, scoresOf } from "../../geo/search-area.js";
import { readLatin1 } from "../../memory/latin1.js";
import { partialSort } from "../../partial-sort.js";
import type { Call } from "../../server/call.js";
import { orRelease } from "../../values/or-release.js";
import type { Zset } from "../../values/zset.js";
import { ZsetObject } from "../../values/zset-object.js";
import { ScoreRange } from "../../values/zset-range.js";
import { storeZset } from "../zset/store.js";
import { readZset } from "../zset/zset.js";
import { replyPoint } from "./arguments.js";
import { type Form, SearchOptions } from "./search-options.js";

interface Hit {
  member: string;
  score: number;
  point: Point;
  distance: number;
}

const scores = new ScoreRange();

export function search(call: Call, form: Form): void {
  let isMissing = false;
  const zset = readZset(call, form.key, () => {
    isMissing = true;
  });
  if (zset === undefined && !isMissing) return;
  const options = SearchOptions.read(call, form, zset);
  if (options === undefined) return;
  const { count, isAny, shape, store } = options;
  const hits = zset === undefined ? [] : hitsOf(zset, shape, isAny ? count : 0);
  // The nearest ones, if not all are wanted.
  if (count !== 0 && options.order === "none" && !isAny) options.order = "asc";
  if (options.order !== "none") sort(hits, options.order === "asc" ? 1 : -1, count);
  if (count !== 0 && hits.length > count) hits.length = count;
  if (store === 0) tell(call, options, hits);
  else keep(call, form, options, hits);
}

/** The nearest first, or with -1 the farthest; with `count` no more than these. Nothing is equal to what is no number. */
function sort(hits: Hit[], direction: 1 | -1, count: number): void {
  const compare = (a: Hit, b: Hit) => (a.distance > b.distance ? 1 : a.distance === b.distance ? 0 : -1) * direction;
  if (count !== 0 && hits.length > count) partialSort(hits, compare, 0, count - 1);
  else hits.sort(compare);
}

/** Members within the shape; with `most`, no more than that. */
function hitsOf(zset: Zset, shape: Shape, most: number): Hit[] {
  const hits: Hit[] = [];
  let last: Geohash | undefined;
  coveringOf(shape).forEach((hash, i) => {
    // The widest searches have neighbours that are the same, and Redis looks at two that follow each other only.
    if (last !== undefined && last.longitude === hash.longitude && last.latitude === hash.latitude) return;
    if (most !== 0 && hits.length >= most) return;
    addHits(zset, shape, hash, most, hits);
    if (i !== 0) last = hash;
  });
  return hits;
}

function addHits(zset: Zset, shape: Shape, hash: Geohash, most: number, hits: Hit[]): void {
  const [min, max] = scoresOf(hash);
  scores.set(min, max);
  zset.scoreRange(scores);
  const count = zset.end - zset.from;
  if (count === 0) return;
  zset.seek(zset.from);
  for (let n = count; ; ) {
    const score = zset.currentScore();
    const point = pointOf(score);
    const distance = distanceWithin(shape, point);
    if (distance !== undefined) {
      hits.push({
        member: readLatin1(zset.text, zset.textAt, zset.textAt + zset.textLength),
        score,
        point,
        distance,
      });
    }
    if (--n === 0 || (most !== 0 && hits.length >= most)) return;
    zset.step(1);
  }
}

function tell({ reply }: Call, options: SearchOptions, hits: readonly Hit[]): void {
  const { withDistance, withHash, withCoordinates, shape } = options;
  const more = Number(withDistance) + Number(withHash) + Number(withCoordinates);
  reply.array(hits.length);
  for (const { member, score, point } of hits) {
    if (more !== 0) reply.array(more + 1);
    reply.text(member);
    if (withDistance) reply.text(distanceText(shape.center, point, shape.unit));
    if (withHash) reply.integer(Math.trunc(score));
    if (withCoordinates) replyPoint(reply, point);
  }
}

function keep(call: Call, form: Form, options: SearchOptions, hits: readonly Hit[]): void {
  const object = new ZsetObject(call.db.heap);
  const { shape, storesDistance } = options;
  orRelease(object, () => {
    for (const { member, score, point } of hits) {
      const bytes = Buffer.from(member, "latin1");
      if (object.find(bytes, 0, bytes.length) !== 0) continue;
      object.gather(storesDistance ? exactDistance(shape.center, point) / shape.unit : score, bytes, 0, bytes.length);
    }
  });
  const event = form.isSearch ? "geosearchstore" : "georadiusstore";
  storeZset(call, options.store, object, event);
  if (hits.length !== 0) call.db.keyspace.dirty += hits.length - 1;
  call.reply.integer(hits.length);
}
