/**
 * Geohashes as sorted sets have them for scores (Redis: geohash.c): longitude and latitude each as so many steps of halving, and the bits of both
 * in turn. The latitude goes to that of Web Mercator (EPSG:3857), not to the poles.
 */
export const MOST_STEPS = 26;

export const LONGITUDE_MOST = 180;
export const LATITUDE_MOST = 85.05112878;

/** Which of 2^step parts of either axis. */
export interface Geohash {
  longitude: number;
  latitude: number;
  step: number;
}

/** From west to east and from south to north, in degrees. */
export interface Area {
  west: number;
  east: number;
  south: number;
  north: number;
}

export interface Point {
  longitude: number;
  latitude: number;
}

export function encode(
  { longitude, latitude }: Point,
  step: number,
  longitudeMost = LONGITUDE_MOST,
  latitudeMost = LATITUDE_MOST,
): Geohash {
  const parts = 2 ** step;
  return {
    longitude: Math.floor(((longitude + longitudeMost) / (longitudeMost * 2)) * parts),
    latitude: Math.floor(((latitude + latitudeMost) / (latitudeMost * 2)) * parts),
    step,
  };
}

export function areaOf({ longitude, latitude, step }: Geohash): Area {
  const parts = 2 ** step;
  const height = LATITUDE_MOST * 2;
  const width = LONGITUDE_MOST * 2;
  // The index of the next part has 32 bits.
  return {
    west: -LONGITUDE_MOST + (longitude / parts) * width,
    east: -LONGITUDE_MOST + (((longitude + 1) >>> 0) / parts) * width,
    south: -LATITUDE_MOST + (latitude / parts) * height,
    north: -LATITUDE_MOST + (((latitude + 1) >>> 0) / parts) * height,
  };
}

/** The middle of what a score says, whatever it is. */
export function pointOf(score: number): Point {
  const { west, east, south, north } = areaOf(hashOfScore(score));
  return {
    longitude: within((west + east) / 2, LONGITUDE_MOST),
    latitude: within((south + north) / 2, LATITUDE_MOST),
  };
}

const within = (value: number, most: number): number => Math.min(Math.max(value, -most), most);

/** The bits of both in turn, the latitude's first one last: an integer of twice as many bits as there are steps, or two more at the far edges. */
export function bitsOf({ longitude, latitude }: Geohash): number {
  const low = spread(latitude & 0xffff) | (spread(longitude & 0xffff) << 1);
  const high = spread(latitude >>> 16) | (spread(longitude >>> 16) << 1);
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

function hashOfScore(score: number): Geohash {
  let low: number;
  let high: number;
  if (score >= 0 && score <= Number.MAX_SAFE_INTEGER) {
    low = score >>> 0;
    high = Math.floor(score / 2 ** 32);
  } else {
    const bits = unsigned(score);
    low = Number(bits & 0xffffffffn);
    high = Number(bits >> 32n);
  }
  return {
    latitude: (gathered(low) | (gathered(high) << 16)) >>> 0,
    longitude: (gathered(low >>> 1) | (gathered(high >>> 1) << 16)) >>> 0,
    step: MOST_STEPS,
  };
}

/** A score that is no geohash, as x86-64 makes an unsigned integer of a double. */
function unsigned(score: number): bigint {
  const least = 2n ** 63n;
  if (score < -(2 ** 63)) return least;
  if (score >= 2 ** 64) return 0n;
  return BigInt.asUintN(64, BigInt(Math.trunc(score)));
}

/** Sixteen bits, each with a zero before it. */
function spread(bits: number): number {
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  return (bits | (bits << 1)) & 0x55555555;
}

/** Every second bit. */
function gathered(bits: number): number {
  bits &= 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";

/** The usual text of a geohash, which goes to the poles: 50 bits in ten characters, and a zero. */
export function geohashText(score: number): string {
  const bits = bitsOf(encode(pointOf(score), MOST_STEPS, LONGITUDE_MOST, 90));
  let text = "";
  for (let i = 1; i <= 10; i++) text += ALPHABET[Math.floor(bits / 2 ** (52 - i * 5)) % 32];
  return `${text}0`;
}
