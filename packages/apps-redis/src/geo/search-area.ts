/** Which geohashes cover a circle or a box, and what lies in it (Redis: geohash_helper.c). */
import { degrees, distance, EARTH_RADIUS, latitudeDistance, radians } from "./distance.js";
import { type Area, areaOf, bitsOf, encode, type Geohash, MOST_STEPS, type Point } from "./geohash.js";

/** Metres of half the width of Web Mercator's map. */
const MERCATOR_MOST = 20037726.37;

/** A circle of a radius, or a box; both in a unit, which has so many metres. */
export interface Shape {
  center: Point;
  radius?: number;
  width: number;
  height: number;
  unit: number;
}

/** The distance of a point that lies within the shape; undefined of one that does not. */
export function distanceWithin(shape: Shape, point: Point): number | undefined {
  const { center, radius, unit } = shape;
  if (radius !== undefined) {
    const found = distance(center, point);
    return found > radius * unit ? undefined : found;
  }
  if (latitudeDistance(point.latitude, center.latitude) > (shape.height * unit) / 2) return undefined;
  const across = distance(point, { longitude: center.longitude, latitude: point.latitude });
  return across > (shape.width * unit) / 2 ? undefined : distance(center, point);
}

/** What the shape lies in, about. */
function boundsOf({ center, radius, width, height, unit }: Shape): Area {
  const up = degrees((unit * (radius ?? height / 2)) / EARTH_RADIUS);
  const half = (unit * (radius ?? width / 2)) / EARTH_RADIUS;
  const top = degrees(half / Math.cos(radians(center.latitude + up)));
  const bottom = degrees(half / Math.cos(radians(center.latitude - up)));
  const side = center.latitude < 0 ? bottom : top;
  return {
    west: center.longitude - side,
    east: center.longitude + side,
    south: center.latitude - up,
    north: center.latitude + up,
  };
}

/** How fine the parts are that nine of which cover a circle. */
function stepsFor(metres: number, latitude: number): number {
  if (metres === 0) return MOST_STEPS;
  let steps = -1;
  for (let range = metres; range < MERCATOR_MOST; range *= 2) steps++;
  // Towards the poles parts are narrower.
  const north = Math.abs(latitude);
  if (north > 66) steps--;
  if (north > 80) steps--;
  return Math.min(Math.max(steps, 1), MOST_STEPS);
}

/** A part beside another, around the world. */
function beside(hash: Geohash, east: number, north: number): Geohash {
  const mask = 2 ** hash.step - 1;
  return {
    longitude: east === 0 ? hash.longitude : (hash.longitude + east) & mask,
    latitude: north === 0 ? hash.latitude : (hash.latitude + north) & mask,
    step: hash.step,
  };
}

/** Where the eight lie beside the one in the middle, in the order in which they are searched: east, north. */
const AROUND = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
] as const;

/** Geohashes that cover the shape, in the order in which they are searched. One may come twice. */
export function coveringOf(shape: Shape): Geohash[] {
  const bounds = boundsOf(shape);
  const { center, radius, width, height, unit } = shape;
  const metres = (radius ?? Math.sqrt((width / 2) * (width / 2) + (height / 2) * (height / 2))) * unit;
  let step = stepsFor(metres, center.latitude);
  let middle = encode(center, step);
  if (step > 1 && isTooFine(middle, bounds)) {
    step--;
    middle = encode(center, step);
  }
  const area = areaOf(middle);
  const found = [middle];
  for (const [east, north] of AROUND) {
    if (step >= 2) {
      if (north < 0 && area.south < bounds.south) continue;
      if (north > 0 && area.north > bounds.north) continue;
      if (east < 0 && area.west < bounds.west) continue;
      if (east > 0 && area.east > bounds.east) continue;
    }
    found.push(beside(middle, east, north));
  }
  return found;
}

/** A neighbour does not reach as far as the shape does. */
function isTooFine(middle: Geohash, bounds: Area): boolean {
  return (
    areaOf(beside(middle, 0, 1)).north < bounds.north ||
    areaOf(beside(middle, 0, -1)).south > bounds.south ||
    areaOf(beside(middle, 1, 0)).east < bounds.east ||
    areaOf(beside(middle, -1, 0)).west > bounds.west
  );
}

/** The scores of a geohash's points: from the first to before the second. */
export function scoresOf(hash: Geohash): [number, number] {
  const scale = 2 ** (2 * (MOST_STEPS - hash.step));
  const bits = bitsOf(hash);
  return [bits * scale, (bits + 1) * scale];
}
