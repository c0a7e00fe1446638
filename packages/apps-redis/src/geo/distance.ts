/** Distances on a sphere of the Earth's size, in metres. */
import { exactAsin, exactCos, exactSin } from "./exact.js";
import type { Point } from "./geohash.js";

export const EARTH_RADIUS = 6372797.560856;
const DEGREE = Math.PI / 180;

export const radians = (degrees: number): number => degrees * DEGREE;
export const degrees = (angle: number): number => angle / DEGREE;

export function latitudeDistance(a: number, b: number): number {
  return EARTH_RADIUS * Math.abs(radians(b) - radians(a));
}

/** By the haversine formula. */
export function distance(a: Point, b: Point): number {
  const v = Math.sin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (v === 0) return latitudeDistance(a.latitude, b.latitude);
  const from = radians(a.latitude);
  const to = radians(b.latitude);
  const u = Math.sin((to - from) / 2);
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v));
}

/** As distance(), to the last digit that Redis has. */
export function exactDistance(a: Point, b: Point): number {
  const v = exactSin((radians(b.longitude) - radians(a.longitude)) / 2);
  if (v === 0) return latitudeDistance(a.latitude, b.latitude);
  const from = radians(a.latitude);
  const to = radians(b.latitude);
  const u = exactSin((to - from) / 2);
  return 2 * EARTH_RADIUS * exactAsin(Math.sqrt(u * u + exactCos(from) * exactCos(to) * v * v));
}

/** How far from the middle between two texts of four digits distance() is sure to be on the right side of it. */
const SURE = 0.001;

/** The distance as replies have it: in a unit of so many metres, with four digits behind the point, the last one rounded to even. */
export function distanceText(a: Point, b: Point, unit: number): string {
  let scaled = (distance(a, b) / unit) * 10000;
  if (Math.abs(scaled - Math.floor(scaled) - 0.5) < SURE) scaled = (exactDistance(a, b) / unit) * 10000;
  // What is no number becomes the least integer there.
  if (Number.isNaN(scaled)) return "-922337203685477.5808";
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const units = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  const digits = String(units).padStart(5, "0");
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
