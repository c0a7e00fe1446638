/** Options of SET and GETEX: conditions, and when the key expires. */
import type { Integer } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";

export const Option = { NX: 1, XX: 2, GET: 4, KEEPTTL: 8, PERSIST: 16, EX: 32, PX: 64, EXAT: 128, PXAT: 256 } as const;

/** Those that say when; one kind of them at most. */
const EXPIRES = Option.EX | Option.PX | Option.EXAT | Option.PXAT;
const SECONDS = Option.EX | Option.EXAT;
const RELATIVE = Option.EX | Option.PX;

const LONGEST = 2n ** 63n - 1n;

export class Options {
  flags = 0;
  /** The argument that is the time; 0: there is none. */
  time = 0;

  has(flags: number): boolean {
    return (this.flags & flags) !== 0;
  }

  /** Reads the arguments from `first` on; false: they make no sense, which was replied. */
  parse(call: Call, first: number, isSet: boolean): boolean {
    const { args } = call;
    this.flags = 0;
    this.time = 0;
    for (let i = first; i < args.count; i++) {
      let flag = 0;
      if (isSet && args.is(i, "nx")) flag = this.unless(Option.XX, Option.NX);
      else if (isSet && args.is(i, "xx")) flag = this.unless(Option.NX, Option.XX);
      else if (isSet && args.is(i, "get")) flag = Option.GET;
      else if (isSet && args.is(i, "keepttl")) flag = this.unless(EXPIRES, Option.KEEPTTL);
      else if (!isSet && args.is(i, "persist")) flag = this.unless(EXPIRES, Option.PERSIST);
      else if (i + 1 < args.count) {
        if (args.is(i, "ex")) flag = Option.EX;
        else if (args.is(i, "px")) flag = Option.PX;
        else if (args.is(i, "exat")) flag = Option.EXAT;
        else if (args.is(i, "pxat")) flag = Option.PXAT;
        flag = this.unless((EXPIRES & ~flag) | Option.KEEPTTL | Option.PERSIST, flag);
        this.time = ++i;
      }
      if (flag === 0) {
        call.syntaxError();
        return false;
      }
      this.flags |= flag;
    }
    return true;
  }

  private unless(others: number, flag: number): number {
    return this.has(others) ? 0 : flag;
  }
}

/** One, reused: a command has its options until it ends. */
export const options = new Options();

/** Milliseconds since 1970 of the time that argument `i` is, as the flags (EX, PX, EXAT, PXAT) say; 0: it is none, which was replied. */
export function expiryTime(call: Call, i: number, flags: number): Integer {
  const given = call.long(i);
  if (given === undefined) return 0;
  const scale = flags & SECONDS ? 1000 : 1;
  const base = flags & RELATIVE ? call.db.keyspace.now() : 0;
  if (given > 0) {
    const time = Number(given) * scale + base;
    if (Number.isSafeInteger(time)) return time;
    const exact = BigInt(given) * BigInt(scale) + BigInt(base);
    if (exact <= LONGEST) return exact;
  }
  call.reply.error(`ERR invalid expire time in '${call.command.fullName}' command`);
  return 0;
}
