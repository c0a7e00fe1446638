/** Random commands, seeded: mostly of sense, on few keys, so that they meet; some with wrong types, wrong arity, and numbers at the edges. */
import { FAMILIES } from "./families/index.mjs";
import { Random } from "./random.mjs";

const TYPES = {
  string: "s",
  hash: "h",
  list: "l",
  set: "t",
  zset: "z",
  stream: "x",
  geo: "g",
  lex: "y",
  hll: "p",
  bits: "b",
};
/** Not those whose members all have one score: with several the ranges by name depend on Redis's own dice. */
const OTHERS = Object.values(TYPES).filter((letter) => letter !== TYPES.lex);
const KEYS_PER_TYPE = 6;
const WRONG_TYPE = 0.03;
const WRONG_ARITY = 0.005;

const INTEGERS = ["0", "1", "-1", "2", "3", "7", "10", "63", "64", "100", "127", "128", "255", "256", "-128", "-129", "32767", "32768", "65535",
  "65536", "2147483647", "2147483648", "-2147483648", "4294967295", "4294967296", "9007199254740991", "9007199254740993", "9223372036854775807",
  "-9223372036854775808", "9223372036854775808", "18446744073709551615", "-0", "+1", "01", " 1", "1 ", "1.0", "abc", ""]; // biome-ignore format: a table
const FLOATS = ["0", "1", "-1", "1.5", "-2.25", "3.14159", "1e3", "1e-5", "5e-324", "1.7976931348623157e308", "1e400", "inf", "-inf", "+inf", "nan",
  "0.1", "0.30000000000000004", "123456789.123456789", "-0", "-0.0", "1.0", "100", "1e17", "12345678901234567890", "0x10", "abc", "", " 1"]; // biome-ignore format: a table

export class Generator {
  constructor(seed, families) {
    this.random = new Random(seed);
    this.templates = [];
    this.total = 0;
    for (const family of families ?? Object.keys(FAMILIES)) {
      for (const [weight, make] of FAMILIES[family]) {
        this.total += weight;
        this.templates.push([this.total, make]);
      }
    }
  }

  /** @returns {string[]} */
  command() {
    const at = this.random.next() * this.total;
    let low = 0;
    for (let high = this.templates.length - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.templates[middle][0] > at) high = middle;
      else low = middle + 1;
    }
    const command = this.templates[low][1](this).flat(3);
    // Without their count these choose at random.
    if (this.random.chance(WRONG_ARITY) && !/^(HRANDFIELD|SRANDMEMBER|SPOP)$/.test(command[0])) {
      if (this.random.chance(0.5)) command.pop();
      else command.push(this.value());
      if (command.length === 0) return ["PING"];
    }
    return command;
  }

  pick(...options) {
    return this.random.pick(options);
  }

  chance(p) {
    return this.random.chance(p);
  }

  /** One of these with probability `p`, else nothing: for options. */
  maybe(p, ...option) {
    return this.random.chance(p) ? option.flatMap((one) => (typeof one === "function" ? one() : one)) : [];
  }

  some(most, make, least = 1) {
    return Array.from({ length: least + this.random.below(most - least + 1) }, make).flat();
  }

  key(type) {
    const letter = this.random.chance(WRONG_TYPE) ? this.random.pick(OTHERS) : TYPES[type];
    return `${letter}:${this.random.below(KEYS_PER_TYPE)}`;
  }

  anyKey() {
    return `${this.random.pick(OTHERS)}:${this.random.below(KEYS_PER_TYPE)}`;
  }

  /** A number of few bytes, mostly. */
  small() {
    return this.random.chance(0.02) ? this.random.pick(INTEGERS) : String(this.random.below(24) - 6);
  }

  count() {
    return this.random.chance(0.02) ? this.random.pick(INTEGERS) : String(this.random.below(8));
  }

  integer() {
    return this.random.chance(0.1) ? this.random.pick(INTEGERS) : String(this.random.below(2000) - 1000);
  }

  float() {
    if (this.random.chance(0.08)) return this.random.pick(FLOATS);
    return this.random.chance(0.5)
      ? String(this.random.below(200) - 100)
      : (this.random.next() * 200 - 100).toFixed(this.random.below(6));
  }

  /** A field or a member: few, so that they meet. */
  member() {
    const r = this.random;
    if (r.chance(0.3)) return String(r.below(60));
    if (r.chance(0.005)) return "m".repeat(60 + r.below(10));
    return `m${r.below(r.chance(0.01) ? 600 : 20)}`;
  }

  value() {
    const r = this.random;
    const kind = r.below(20);
    if (kind < 7) return String(r.below(1000));
    if (kind < 8) return r.pick(INTEGERS);
    if (kind < 9) return r.pick(FLOATS);
    if (kind < 17) return `v${r.below(100)}`;
    if (kind < 18) return "";
    if (kind < 19) return String.fromCharCode(...Array.from({ length: r.below(12) }, () => r.below(256)));
    return "abcdefghij".repeat(r.below(12));
  }

  /** Anything, so long that collections become large at times. */
  manyMembers(make = () => this.member()) {
    if (!this.random.chance(0.002)) return this.some(5, make);
    return Array.from({ length: 200 }, (_, i) => `many${i}`);
  }
}
