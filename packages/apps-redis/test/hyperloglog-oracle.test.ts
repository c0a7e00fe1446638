/** Commands of HyperLogLogs, drawn at random, to redis-server and to demi-redis: GET shows that they hold the same bytes. */
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const COMMANDS = 1500;
const BATCH = 250;
/** Makes a sparse value dense. */
const MANY = 2500;

sideBySide("hyperloglogs", [], (both) => {
  test("random commands are answered as redis-server does", async () => {
    const drawn = new Drawn(new Random("hyperloglog-oracle"));
    for (let n = 0; n < COMMANDS; n += BATCH) {
      await both.compareBytes(Array.from({ length: BATCH }, () => drawn.next()).flat());
    }
  });

  test("one grows from nothing until it is dense", async () => {
    const requests: Request[] = [];
    for (let n = 0; n < MANY; n += 10) {
      requests.push(["pfadd", "grows", ...Array.from({ length: 10 }, (_, i) => `element ${n + i}`)]);
      requests.push(["get", "grows"], ["pfcount", "grows"], ["pfdebug", "encoding", "grows"]);
    }
    await both.compareBytes([...requests, ["get", "grows"], ["pfdebug", "getreg", "grows"]]);
  });

  test("registers that no hash makes", async () => {
    const dense = (byte: string) => `HYLL\0\0\0\0${"\0".repeat(7)}\x80${byte.repeat(12288)}`;
    const full = "\xf3\x3c\xcf".repeat(4096);
    const requests: Request[] = [];
    for (const [i, value] of [
      dense("\xff"),
      dense("\0"),
      dense("\x55"),
      dense("\xcf"),
      dense("").slice(0, 16) + full,
    ].entries()) {
      const key = `dense ${i}`;
      requests.push(
        ["set", key, value],
        ["pfcount", key],
        ["get", key],
        ["pfadd", key, "a"],
        ["pfcount", key, key],
        ["get", key],
      );
    }
    await both.compareBytes(requests);
  });
});

class Drawn {
  private added = 0;

  constructor(private readonly random: Random) {}

  next(): Request[] {
    const { random } = this;
    const key = this.key();
    switch (random.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return [["pfadd", key, ...this.elements(random.below(random.pick([1, 5, 40])))]];
      case 4:
        return [["pfadd", key, ...this.elements(random.below(400))]];
      case 5:
        return [["pfcount", key]];
      case 6:
        return [["pfcount", key, this.key(), ...(random.below(2) === 0 ? [] : [this.key()])]];
      case 7:
        return [["pfmerge", key, ...Array.from({ length: random.below(4) }, () => this.key())]];
      case 8:
      case 9:
        return [["get", key]];
      case 10:
        return [["pfdebug", random.pick(["encoding", "decode", "DECODE", "nothing"]), key]];
      case 11:
        return [random.below(8) === 0 ? ["pfdebug", random.pick(["todense", "getreg"]), key] : ["strlen", key]];
      case 12:
        return [["object", "encoding", key]];
      case 13:
        return [[random.pick(["pfadd", "pfcount", "pfmerge", "del"]), key]];
      default:
        return this.corrupted(key);
    }
  }

  /** What commands make of a value that is wrong. It is changed once: after that Redis looks at what is behind a value, too. */
  private corrupted(key: string): Request[] {
    const { random } = this;
    const made: Request[] = [["set", "bad", this.strange()]];
    if (random.below(2) === 0) {
      made[0] = ["copy", key, "bad", "replace"];
      made.push(["setrange", "bad", 16 + random.below(60), random.bytes(1)]);
      if (random.below(3) === 0) made.push(["append", "bad", random.bytes(1)]);
    }
    const last = random.pick<Request>([
      ["pfadd", "bad", ...this.elements(1)],
      ["pfdebug", "todense", "bad"],
      ["pfmerge", "bad", key],
    ]);
    return [
      ...made,
      ["pfadd", "bad"],
      ["pfcount", "bad"],
      ["pfcount", key, "bad"],
      ["pfmerge", "other", "bad", key],
      ["pfdebug", "decode", "bad"],
      last,
      ["get", "bad"],
      ["del", "bad"],
    ];
  }

  private key(): string {
    return this.random.pick(["a", "a", "b", "c", "d", "other"]);
  }

  private elements(count: number): string[] {
    const { random } = this;
    return Array.from({ length: count }, () => {
      if (random.below(4) === 0) return random.bytes(random.below(40));
      return String(random.below(3) === 0 ? random.below(this.added + 1) : this.added++);
    });
  }

  /** Almost a HyperLogLog. */
  private strange(): string {
    const { random } = this;
    const head = (form: string, count = random.pick(["\0".repeat(8), `${random.bytes(7)}\x80`])) =>
      `HYLL${form}\0\0\0${count}`;
    switch (random.below(9)) {
      case 0:
        return head("\x01");
      case 1:
        return `${head("\x01")}\x7f`;
      case 2:
        return `${head("\x01")}\x7f\xff\x00`;
      case 3:
        return `${head("\x01")}\x7f\xfe\x00`;
      case 4:
        return head(random.pick(["\x02", "\0", "\xff"])) + random.bytes(random.below(30));
      case 5:
        return `${head("\x01")}${random.bytes(random.below(60))}`;
      case 6:
        return random.bytes(random.below(20));
      case 7:
        return `${head("\x01")}\x7f\xfb\x84\x88\x8c\x80`;
      default:
        return `${head("\0")}${random.bytes(12287 + random.below(3))}`;
    }
  }
}
