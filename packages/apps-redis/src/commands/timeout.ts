import { isInfinite, parseLongDouble } from "../numbers/long-doubles.js";
import type { Call } from "../server/call.js";

/** Seconds whose milliseconds are exact, too. */
const MOST_EXACT = 2 ** 40;

/** Milliseconds of the seconds that argument `i` is, 0 for without end: as all commands that wait take them. Undefined: wrong, which was replied. */
export function timeout(call: Call, i: number): number | undefined {
  const whole = call.args.safeInteger(i);
  if (whole !== undefined && whole >= 0 && whole <= MOST_EXACT) return whole * 1000;
  const seconds = parseLongDouble(call.args.text(i));
  if (seconds === undefined) {
    call.reply.error("ERR timeout is not a float or out of range");
    return undefined;
  }
  const milliseconds = isInfinite(seconds) ? -1n : ceiling(seconds.mantissa * 1000n, seconds.exponent);
  // What a C long long does not hold is negative there.
  if (milliseconds >= 0n && milliseconds < 2n ** 63n) return Number(milliseconds);
  call.reply.error("ERR timeout is negative");
  return undefined;
}

/** Of `mantissa * 2^exponent`, as far as 64 bits go. */
function ceiling(mantissa: bigint, exponent: number): bigint {
  if (exponent >= 0) return exponent > 64 && mantissa !== 0n ? -1n : mantissa << BigInt(exponent);
  return -(-mantissa >> BigInt(-exponent));
}
