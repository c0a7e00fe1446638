/** Commands on keys, whatever their values are: the same ones, chosen at random, to redis-server and to demi-redis. */
import { Random } from "./random.js";
import type { Reply, Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const COMMANDS = 6000;
const BATCH = 200;

type Word = string | number;

/** Times that count from the moment of the command differ a little between the two. */
const TIMES = new Set(["ttl", "pttl", "expiretime", "pexpiretime"]);
const LENIENCY = 3000;
/** Milliseconds in which all of it is done. */
const SOON = 600_000;
/** What is told in no order. */
const UNORDERED = new Set(["keys", "scan"]);

class Program {
  constructor(private readonly random: Random) {}

  private key(): string {
    return this.random.pick(["a", "b", "c", "d", "", "key:1", "a\0b", "{x}y"]);
  }

  private any<T>(...from: T[]): T {
    return this.random.pick(from);
  }

  /** Until a key expires: not while it is compared, which is not at the same moment of both. */
  private integer(): string {
    const text = this.random.below(4) === 0 ? this.random.integerText() : String(this.random.below(100000) + SOON);
    const value = Number(text);
    return value > 0 && value < SOON ? String(value + SOON) : text;
  }

  private expiryOptions(): string[] {
    const options: string[] = [];
    for (let n = this.random.below(3); n > 0; n--) options.push(this.any("nx", "XX", "gt", "LT", "Gt", "foo"));
    return this.random.below(2) === 0 ? [] : options;
  }

  private value(): string {
    const one = this.random.below(4);
    if (one === 0) return this.random.integerText();
    return one === 1 ? this.random.bytes(this.random.below(60)) : "x".repeat(this.random.below(100));
  }

  /** A time well before or well after now, in milliseconds. */
  private time(): number {
    return this.any(0, 1000, -5, 4102444800000 + this.random.below(10), 2 ** 53 + 2 * this.random.below(9));
  }

  next(): Word[] {
    const key = this.key();
    switch (this.random.below(30)) {
      case 0:
        return ["del", ...Array.from({ length: 1 + this.random.below(3) }, () => this.key())];
      case 1:
        return [this.any("unlink", "exists", "touch"), key, this.key()];
      case 2:
        return ["type", key];
      case 3:
        return ["keys", this.any("*", "a*", "?", "[a-c]", "key:*", "\\a", "nothing", "")];
      case 4:
        return [
          "scan",
          "0",
          "count",
          10000,
          ...this.any<Word[]>([], ["match", "a*"], ["type", "String"], ["type", "list"]),
        ];
      case 5:
        return [
          "scan",
          this.any("x", "18446744073709551616", " 1", "0"),
          ...this.any<Word[]>([], ["count", 0], ["count"], ["foo", 1]),
        ];
      case 6:
        return [this.any("rename", "renamenx"), key, this.key()];
      case 7:
        return [
          "copy",
          key,
          this.key(),
          ...this.any<Word[]>([], ["replace"], ["db", 1], ["db", "x"], ["DB", 2, "REPLACE"], ["db"]),
        ];
      case 8:
        return ["move", key, this.any<Word>(0, 1, 2, 16, -1, "x", 3000000000)];
      case 9:
        return ["swapdb", this.any<Word>(0, 1, 2, "x", 99), this.any<Word>(0, 1, 2, "y")];
      case 10:
        return ["select", this.any<Word>(0, 0, 1, 2, 16, "x", "-1", "5000000000", "99999999999999999999")];
      case 11:
        return ["dbsize"];
      case 12:
        return this.random.below(8) === 0
          ? [this.any("flushdb", "flushall"), ...this.any<Word[]>([], ["async"], ["sync"], ["x"])]
          : ["dbsize"];
      case 13:
      case 14:
        return [this.any("expire", "pexpire"), key, this.integer(), ...this.expiryOptions()];
      case 15:
        return ["pexpireat", key, this.time(), ...this.expiryOptions()];
      case 16:
        return [this.any("pexpireat", "expireat"), key, this.random.integerText(), ...this.expiryOptions()];
      case 17:
      case 18:
        return [this.any(...TIMES), key];
      case 19:
        return ["persist", key];
      case 20:
        return ["object", this.any("encoding", "refcount", "freq", "ENCODING"), key];
      case 21:
        return ["object", ...this.any<Word[]>(["nothing", key], ["encoding"], [], ["encoding", key, key])];
      case 22:
        return ["wait", this.any<Word>(0, -1, "x"), this.any<Word>(0, 1, "x", -1)];
      case 23:
        return this.any<Word[]>(
          ["rpush", key, this.value(), 1, "x".repeat(this.random.below(3000))],
          ["sadd", key, 1, 2, this.random.below(4)],
          ["hset", key, "f", this.value()],
          ["zadd", key, this.random.below(9), this.value()],
        );
      case 24:
        return ["dump", key];
      default:
        return ["set", key, this.value()];
    }
  }
}

/** As both are compared: errors by their text, and what has no order in one. */
function shown(command: Word[], reply: Reply): unknown {
  if (reply instanceof Error) return `-${reply.message}`;
  if (!UNORDERED.has(String(command[0])) || !Array.isArray(reply)) return reply;
  return command[0] === "scan" ? [reply[0], [...(reply[1] as string[])].sort()] : [...reply].sort();
}

/** What LIMITS.md says of OBJECT REFCOUNT: a small integer that COPY made is shared here. */
const SHARED = 2147483647;
const isSharedCopy = (command: Word[], ours: unknown, theirs: unknown): boolean =>
  command[0] === "object" && command[1] === "refcount" && ours === SHARED && theirs === 1;

function isClose(command: Word[], ours: unknown, theirs: unknown): boolean {
  if (isSharedCopy(command, ours, theirs)) return true;
  // Text where a double does not hold it.
  const [mine, other] = [ours, theirs].map((one) => (/^\d+$/.test(String(one)) ? BigInt(String(one)) : undefined));
  if (!TIMES.has(String(command[0])) || mine === undefined || other === undefined) return false;
  const apart = mine > other ? mine - other : other - mine;
  return apart <= LENIENCY;
}

sideBySide("commands on keys", [], (both) => {
  test("answer as redis-server's do", async () => {
    const program = new Program(new Random("generic-oracle"));
    const done: Request[] = [];
    for (let n = 0; n < COMMANDS; n += BATCH) {
      const commands = Array.from({ length: BATCH }, () => program.next());
      const [theirs, ours] = await Promise.all([both.redis(commands), both.ours(commands)]);
      for (const [i, command] of commands.entries()) {
        done.push(command);
        const expected = shown(command, theirs[i]);
        const got = shown(command, ours[i]);
        if (isClose(command, got, expected)) continue;
        const before = done.slice(-8).map((one) => JSON.stringify(one));
        expect({ before, reply: got }).toEqual({ before, reply: expected });
      }
    }
  });
});
