/** Coordinates, units and distances as the commands of geo take them, and as they tell them. */
import { LATITUDE_MOST, LONGITUDE_MOST, type Point } from "../../geo/geohash.js";
import { parseDouble } from "../../numbers/doubles.js";
import type { Reply } from "../../protocol/reply.js";
import { type Call, NOT_FLOAT } from "../../server/call.js";

/** Argument `i` as a double; undefined: it is none, which was replied. */
export function doubleOf(call: Call, i: number, error = NOT_FLOAT): number | undefined {
  const { args, reply } = call;
  const value = parseDouble(args.bytes, args.at(i), args.length(i));
  if (value === undefined) reply.error(error);
  return value;
}

/** Arguments `i` and the next as longitude and latitude; undefined: they are none, which was replied. */
export function pointAt(call: Call, i: number): Point | undefined {
  const longitude = doubleOf(call, i);
  const latitude = longitude === undefined ? undefined : doubleOf(call, i + 1);
  if (longitude === undefined || latitude === undefined) return undefined;
  if (Math.abs(longitude) <= LONGITUDE_MOST && Math.abs(latitude) <= LATITUDE_MOST) return { longitude, latitude };
  call.reply.error(`ERR invalid longitude,latitude pair ${sixDigits(longitude)},${sixDigits(latitude)}`);
  return undefined;
}

/** C's %f. */
function sixDigits(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.000000";
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}.000000`;
  // Halfway C takes the even digit; toFixed() would take the larger one.
  const exact = value.toFixed(60);
  const end = exact.length - 54;
  if (/^50*$/.test(exact.slice(end)) && "02468".includes(exact[end - 1])) return exact.slice(0, end);
  return value.toFixed(6);
}

const UNITS: readonly (readonly [string, number])[] = [
  ["m", 1],
  ["km", 1000],
  ["ft", 0.3048],
  ["mi", 1609.34],
];

/** The metres of the unit that argument `i` names; undefined: none, which was replied. */
export function unitAt(call: Call, i: number): number | undefined {
  const found = UNITS.find(([name]) => call.args.is(i, name));
  if (found === undefined) call.reply.error("ERR unsupported unit provided. please use M, KM, FT, MI");
  return found?.[1];
}

/** A coordinate, with up to 17 digits behind the point. */
export function replyCoordinate(reply: Reply, value: number): void {
  const text = value.toFixed(17).replace(/\.?0+$/, "");
  reply.double(text === "-0" ? "0" : text);
}

export function replyPoint(reply: Reply, { longitude, latitude }: Point): void {
  reply.array(2);
  replyCoordinate(reply, longitude);
  replyCoordinate(reply, latitude);
}

/** What all of the family's commands have. */
export const family = { categories: "geo", group: "geo" } as const;
