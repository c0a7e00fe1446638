/** Commands of strings, drawn at random, to redis-server and to demi-redis. */
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const COMMANDS = 6000;
const BATCH = 300;

sideBySide("strings", [], (both) => {
  test("random commands are answered as redis-server does", async () => {
    const drawn = new Drawn(new Random("string-oracle"));
    for (let n = 0; n < COMMANDS; n += BATCH) {
      await both.compareBytes(Array.from({ length: BATCH }, () => drawn.next()));
    }
  });

  test("times at the edges of 64 bits", async () => {
    // What is over in a moment may be there on one of the two still.
    const edges = [2n ** 53n, 2n ** 63n - 1n, (2n ** 63n - 1n) / 1000n, BigInt(Date.now()) * 2n];
    const times = [0n, -1n, ...edges.flatMap((edge) => [edge - 1n, edge, edge + 1n, -edge])];
    const requests: Request[] = [];
    for (const time of times) {
      for (const kind of ["EX", "px", "ExAt", "PXAT"]) {
        requests.push(["set", "t", "1", kind, String(time)], ["get", "t"], ["set", "u", "1"]);
        requests.push(["getex", "u", kind, String(time)], ["get", "u"]);
      }
      requests.push(["setex", "t", String(time), "v"], ["psetex", "t", String(time), "v"], ["get", "t"]);
    }
    await both.compareBytes(requests);
  });

  test("what does not fit, and what is long", async () => {
    const long = "0123456789abcdef".repeat(20_000);
    await both.compareBytes([
      ["set", "long", long],
      ["append", "long", long],
      ["setrange", "long", 700_000, long],
      ["get", "long"],
      ["getrange", "long", 639_990, 700_010],
      ["set", "long", "short"],
      ["get", "long"],
      ["setrange", "long", 536870907, "123456"],
      ["setrange", "long", 536870912, "1"],
      ["setrange", "long", 9223372036854775000n.toString(), "1"],
      ["set", "a", "x".repeat(12_000)],
      ["set", "b", "y".repeat(12_000)],
      ["lcs", "a", "b"],
      ["strlen", "long"],
    ]);
  });
});

class Drawn {
  constructor(private readonly random: Random) {}

  next(): Request {
    const { random } = this;
    const key = this.key();
    switch (random.below(24)) {
      case 0:
      case 1:
        return ["set", key, this.value()];
      case 2:
      case 3:
        return ["set", key, this.value(), ...this.options(["nx", "XX", "get", "keepttl", "KeepTTL", "Get"])];
      case 4:
        return ["get", key];
      case 5:
        return ["getex", key, ...this.options(["persist", "PERSIST", "nx"])];
      case 6:
        return [random.pick(["getdel", "strlen", "incr", "decr", "incr"]), key];
      case 7:
        return [random.pick(["getset", "setnx", "append", "append"]), key, this.value()];
      case 8:
        return [random.pick(["setex", "psetex"]), key, this.time(), this.value()];
      case 9:
        return [random.pick(["mset", "msetnx"]), ...this.pairs()];
      case 10:
        return ["mget", ...Array.from({ length: 1 + random.below(6) }, () => this.key())];
      case 11:
      case 12:
        return [random.pick(["getrange", "substr", "GETRANGE"]), key, this.index(), this.index()];
      case 13:
        return ["setrange", key, this.offset(), this.value()];
      case 14:
      case 15:
        return [random.pick(["incrby", "decrby"]), key, this.number()];
      case 16:
      case 17:
        return ["incrbyfloat", key, random.below(3) === 0 ? this.number() : this.float()];
      case 18:
      case 19:
        return ["lcs", key, this.key(), ...this.lcsOptions()];
      case 20:
        return ["del", key];
      case 21:
        return ["set", key, this.number()];
      case 22:
        return [random.pick(["set", "mset", "get", "getex", "lcs", "incrby", "substr", "msetnx"]), key];
      default:
        return ["object", "encoding", key];
    }
  }

  private key(): string {
    return this.random.pick(["a", "b", "c", "d", "e", "", "key with spaces", "\0\xff", "k".repeat(70)]);
  }

  private value(): string {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return random.integerText();
      case 1:
        return String(random.below(2000) - 100);
      case 2:
        return random.bytes(random.pick([0, 1, 43, 44, 45, 63, 64, 65, 200]));
      case 3:
        return this.float();
      case 4:
        return Array.from({ length: random.below(30) }, () => random.pick(["x", "y", "z"])).join("");
      default:
        return random.bytes(random.below(20));
    }
  }

  private number(): string {
    return this.random.below(3) === 0 ? this.random.integerText() : String(this.random.below(1000) - 300);
  }

  private float(): string {
    const { random } = this;
    const digits = () => String(random.word()).slice(0, 1 + random.below(9));
    const text = `${random.pick(["", "-", "+", "", " "])}${digits()}.${digits()}`;
    return random.below(4) === 0
      ? `${text}e${random.below(30) - 15}`
      : random.pick([text, text, "inf", "nan", "1e400"]);
  }

  private index(): string | number {
    return this.random.below(5) === 0 ? this.random.integerText() : this.random.below(60) - 30;
  }

  /** Too large, or small. Just below 512 MB a byte still fits, and a string of that size is no reply that a test can wait for. */
  private offset(): string | number {
    const text = this.random.integerText();
    return Number(text) > 1000 && Number(text) < 2 ** 29 ? this.random.below(90) : text;
  }

  /** Well in the future or over long ago, so that both servers see it in the same way. */
  private time(): string | number {
    const text = this.random.integerText();
    const soon = Number(text) > 0 && Number(text) < 100_000;
    return this.random.pick([100_000, 4_000_000_000_000, "0", "-1", "x", soon ? "1.5" : text]);
  }

  private options(others: string[]): (string | number)[] {
    const { random } = this;
    const all: (string | number)[] = [];
    for (let n = random.below(4); n > 0; n--) {
      if (random.below(2) === 0) all.push(random.pick(others));
      else all.push(random.pick(["ex", "PX", "exat", "pxat"]), this.time());
    }
    if (random.below(12) === 0) all.push(random.pick(["ex", "px", "", "garbage"]));
    return all;
  }

  private pairs(): string[] {
    const all: string[] = [];
    for (let n = 1 + this.random.below(5); n > 0; n--) all.push(this.key(), this.value());
    if (this.random.below(10) === 0) all.pop();
    return all;
  }

  private lcsOptions(): (string | number)[] {
    const { random } = this;
    const all: (string | number)[] = [];
    for (let n = random.below(4); n > 0; n--) {
      const option = random.pick(["idx", "IDX", "len", "withmatchlen", "minmatchlen", "x"]);
      all.push(option);
      if (option === "minmatchlen") all.push(random.pick([0, 1, 2, 3, -1, "y"]));
    }
    return all;
  }
}
