/** What is said of options is what ajv says, the reference here, for schemas and values at random. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { schemaProblem } from "../src/config/option-schema.js";
import { checkValues } from "../src/config/schema-check.js";

const SCHEMAS = 300;
/** With each schema: ajv compiles it, which takes longest. */
const VALUES = 10;
const TYPES = ["string", "integer", "number", "boolean", "object", "array", "null"];
const KEYS = ["a", "b", "a/b", "a~b", "%2F", "ä", "0", "__proto", "length"];
const SCALARS = [0, 1, 2, 64, 100, -1, 0.5, 1e9, "", "a", "ab", "abc", "😀", "😀a", true, false, null];

/** Of a seed (mulberry32). */
class Chance {
  constructor(private state: number) {}

  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let n = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    n ^= n + Math.imul(n ^ (n >>> 7), n | 61);
    return ((n ^ (n >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }

  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  schema(depth: number): object {
    const leaf = {
      type: this.one(TYPES),
      enum: [this.one(SCALARS.slice(0, -1)), this.one(SCALARS.slice(0, -1))],
      minimum: this.one([0, 1, 50]),
      maximum: this.one([1, 64, 100]),
      multipleOf: this.one([1, 2, 64, 0.25]),
      minLength: this.below(3),
      maxLength: this.below(3),
      minItems: this.below(3),
      maxItems: this.below(3),
    };
    const inner = () => this.schema(depth - 1);
    const branch = depth > 0 && {
      items: inner(),
      properties: Object.fromEntries(this.list(3, () => [this.one(KEYS), inner()])),
      required: [...new Set(this.list(2, () => this.one(KEYS)))],
      additionalProperties: this.one([false, true, inner()]),
    };
    // Any of them, the outer ones more often: else hardly a value would get as far as what is inside.
    return Object.fromEntries([
      ...Object.entries(leaf).filter(() => this.next() < 0.25),
      ...Object.entries(branch || {}).filter(() => this.next() < 0.6),
    ]);
  }

  value(depth: number): unknown {
    const kind = depth > 0 ? this.below(3) : 0;
    if (kind === 0) return this.one(SCALARS);
    if (kind === 1) return this.list(3, () => this.value(depth - 1));
    return Object.fromEntries(this.list(3, () => [this.one(KEYS), this.value(depth - 1)]));
  }
}

const ajv = new Ajv2020({ allErrors: true, verbose: true, ownProperties: true, strict: false });

/** What each keyword's violation is called, with what the schema says. */
const SAYS: Readonly<Record<string, (limit: unknown, error: ErrorObject) => string>> = {
  type: (type) => `must be of type ${type}`,
  enum: (values) => `must be one of ${(values as unknown[]).join(", ")}`,
  minimum: (limit) => `must be at least ${limit}`,
  maximum: (limit) => `must be at most ${limit}`,
  multipleOf: (limit) => `must be a multiple of ${limit}`,
  minLength: (limit) => `must have at least ${limit} characters`,
  maxLength: (limit) => `must have at most ${limit} characters`,
  minItems: (limit) => `must have at least ${limit} entries`,
  maxItems: (limit) => `must have at most ${limit} entries`,
  required: (_, { params }) => `must have the key ${params.missingProperty}`,
  additionalProperties: (_, { params }) => `unknown ${params.additionalProperty}`,
};

/** What ajv says of each place, which is a JSON Pointer. */
function expected(validate: ValidateFunction, value: unknown): Map<string, string[]> {
  validate(value);
  const found = new Map<string, string[]>();
  for (const error of validate.errors ?? []) {
    const said = SAYS[error.keyword](error.schema, error);
    const place = error.keyword === "additionalProperties" ? `${error.instancePath} ${said}` : error.instancePath;
    // Of a wrong type nothing else is said.
    if (error.keyword === "type") found.set(place, [said]);
    else if (!found.get(place)?.[0].startsWith("must be of type"))
      found.set(place, [...(found.get(place) ?? []), said]);
  }
  return found;
}

const seed = process.env.DEMI_SEED === undefined ? Date.now() >>> 0 : Number(process.env.DEMI_SEED);

/** The places that are wrong, as expected() names them, with what is said of each. */
function said(schema: object, value: unknown): [place: string, sentence: string][] {
  return checkValues({ option: schema }, { option: value }).violations.map(({ path, wanted, unknown }) => {
    const pointer = path.slice(1).map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    const sentence = unknown ? `unknown ${unknown.name}` : wanted;
    return [pointer.join("") + (unknown ? ` ${sentence}` : ""), sentence];
  });
}

test(`every place that ajv finds wrong, and no other, with one of its reasons: DEMI_SEED=${seed}`, () => {
  const chance = new Chance(seed);
  let wrong = 0;
  for (let n = 0; n < SCHEMAS; n++) {
    const schema = chance.schema(2);
    expect(schemaProblem({ option: schema })).toBeUndefined();
    const validate = ajv.compile(schema);
    for (let m = 0; m < VALUES; m++) {
      const value = chance.value(3);
      const reasons = expected(validate, value);
      const found = said(schema, value);
      const places = found.map(([place]) => place).sort();
      expect({ schema, value, places }).toEqual({ schema, value, places: [...reasons.keys()].sort() });
      for (const [place, sentence] of found) expect(reasons.get(place)).toContain(sentence);
      if (reasons.size > 0) wrong++;
    }
  }
  // Both happen often.
  expect(wrong).toBeGreaterThan((SCHEMAS * VALUES) / 10);
  expect(SCHEMAS * VALUES - wrong).toBeGreaterThan((SCHEMAS * VALUES) / 10);
}, 60_000);
