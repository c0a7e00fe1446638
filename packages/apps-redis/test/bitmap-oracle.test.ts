/** Commands of bits, drawn at random, to redis-server and to demi-redis. */
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const COMMANDS = 6000;
const BATCH = 300;

sideBySide("bitmaps", [], (both) => {
  test("random commands are answered as redis-server does", async () => {
    const drawn = new Drawn(new Random("bitmap-oracle"));
    for (let n = 0; n < COMMANDS; n += BATCH) {
      await both.compareBytes(Array.from({ length: BATCH }, () => drawn.next()));
    }
  });

  test("long strings, and bits far out", async () => {
    const long = "\0".repeat(100_000);
    await both.compareBytes([
      ["set", "long", long],
      ["bitpos", "long", 1],
      ["setbit", "long", 799_991, 1],
      ["setbit", "long", 8_000_003, 1],
      ["bitpos", "long", 1],
      ["bitpos", "long", 1, 100_000],
      ["bitcount", "long"],
      ["bitcount", "long", 99_999, -1],
      ["bitop", "not", "long", "long"],
      ["bitpos", "long", 0],
      ["bitcount", "long"],
      ["strlen", "long"],
      ["getrange", "long", 99_980, 100_010],
      ["setbit", "far", 4_294_967_296, 1],
      ["bitfield", "far", "set", "u8", 8_388_607, 1],
      ["bitfield", "far", "get", "u8", 8_388_602],
      ["getbit", "far", 4_294_967_295],
    ]);
  });
});

class Drawn {
  constructor(private readonly random: Random) {}

  next(): Request {
    const { random } = this;
    const key = this.key();
    switch (random.below(16)) {
      case 0:
        return ["set", key, this.value()];
      case 1:
        return ["get", key];
      case 2:
        return ["setbit", key, this.offset(), random.pick([0, 1, 1, 2, "x", -1])];
      case 3:
        return ["getbit", key, this.offset()];
      case 4:
        return ["bitcount", key];
      case 5:
        return ["bitcount", key, this.index(), this.index()];
      case 6:
        return ["bitcount", key, this.index(), this.index(), this.unit(), ...this.rarely("more")];
      case 7:
        return ["bitpos", key, this.bit(), ...this.rarely(this.index())];
      case 8:
        return ["bitpos", key, this.bit(), this.index(), this.index()];
      case 9:
        return ["bitpos", key, this.bit(), this.index(), this.index(), this.unit(), ...this.rarely("more")];
      case 10:
      case 11:
        return [
          "bitop",
          random.pick(["and", "OR", "xor", "Not", "and", "or", "nand"]),
          key,
          ...Array.from({ length: 1 + random.below(random.pick([1, 4, 20])) }, () => this.key()),
        ];
      case 12:
        return [random.pick(["del", "getbit", "bitfield", "bitop", "bitpos", "bitcount"]), key];
      case 13:
        return ["object", "encoding", key];
      case 14:
        return ["bitfield_ro", key, ...this.operations(["get", "get", "get", "get", "GET", "set"])];
      default:
        return ["bitfield", key, ...this.operations(["get", "set", "incrby", "INCRBY", "overflow", "other"])];
    }
  }

  private key(): string {
    return this.random.pick(["a", "b", "c", "d", "e", "f", "none"]);
  }

  private value(): string {
    const { random } = this;
    const length = random.pick([0, 1, 2, 3, 4, 7, 8, 40, 200]);
    const kind = random.below(5);
    if (kind === 0) return String(random.below(100_000));
    if (kind === 1) return "\xff".repeat(length);
    return kind === 2 ? "\0".repeat(length) : random.bytes(length);
  }

  private offset(): string | number {
    const { random } = this;
    if (random.below(10) !== 0) return random.below(500);
    const text = random.integerText();
    return Number(text) > 1000 && Number(text) < 2 ** 32 ? random.below(500) : text;
  }

  private index(): string | number {
    return this.random.below(8) === 0 ? this.random.integerText() : this.random.below(500) - 250;
  }

  private bit(): string | number {
    return this.random.pick([0, 0, 0, 1, 1, 1, 2, "x"]);
  }

  private unit(): string {
    return this.random.pick(["bit", "BIT", "byte", "Byte", "bits"]);
  }

  private rarely(word: string | number): (string | number)[] {
    return this.random.below(6) === 0 ? [word] : [];
  }

  private operations(kinds: string[]): (string | number)[] {
    const { random } = this;
    const words: (string | number)[] = [];
    for (let n = random.below(5); n > 0; n--) {
      const kind = random.below(40) === 0 ? "get" : random.pick(kinds);
      if (kind === "other" && random.below(4) !== 0) continue;
      words.push(kind);
      if (kind === "overflow")
        words.push(
          random.pick(["wrap", "sat", "fail", "SAT", "Fail", "Wrap", "wrong"].slice(0, random.pick([6, 6, 7]))),
        );
      else words.push(this.type(), this.place());
      if (/^(set|incrby)$/i.test(kind))
        words.push(random.below(3) === 0 ? random.integerText() : random.below(2000) - 1000);
    }
    if (random.below(20) === 0) words.pop();
    return words;
  }

  private type(): string {
    const { random } = this;
    if (random.below(30) === 0)
      return random.pick(["u64", "i65", "u0", "i0", "x8", "", "u", "U8", "i-1", "u08", "i99999999999999"]);
    return random.below(2) === 0 ? `u${1 + random.below(63)}` : `i${1 + random.below(64)}`;
  }

  private place(): string {
    const { random } = this;
    if (random.below(30) === 0)
      return random.pick(["#", "", "-1", "#-1", "x", "#2305843009213693952", "9223372036854775807"]);
    return random.below(2) === 0 ? `#${random.below(8)}` : String(random.below(400));
  }
}
