/**
 * Checks values against the JSON Schemas of options, each option by itself. It reads a schema, which is used once or twice in the life of a
 * process: a validator that compiles it takes longer to load than all else that opening a libOS does. The keywords are those that
 * option-schema.ts lets pass, as JSON Schema 2020-12 defines them (Core, section 10.3; Validation, section 6).
 */
import type { Schemas } from "./option-schema.js";
import { plainCopy, requireFinite } from "./plain-data.js";

export { type Schemas, schemaProblem } from "./option-schema.js";

/** What is wrong with the value at `path`, or at `path` with a key that its map must not have (`unknown`; `known` are those it may have). */
export interface Violation {
  path: readonly string[];
  value: unknown;
  wanted: string;
  unknown?: { name: string; known: readonly string[] };
}

export interface Checked {
  /** Copies of the values: what was checked, whatever becomes of what was given. */
  values: Record<string, unknown>;
  /** Empty when they are right. */
  violations: Violation[];
}

interface Schema {
  type?: string;
  enum?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
}

const PLAIN = "must be plain data of a moderate size: no functions, no cycles, finite numbers";

/** What the values violate. Whatever they are, they make it throw nothing. */
export function checkValues(schemas: Schemas, given: Readonly<Record<string, unknown>>): Checked {
  const values = new Map<string, unknown>();
  const violations = Object.entries(given).flatMap(([key, value]): Violation[] => {
    if (!Object.hasOwn(schemas, key)) {
      return [{ path: [], value: given, wanted: "", unknown: { name: key, known: Object.keys(schemas) } }];
    }
    try {
      const copy = plainCopy(value);
      const found = [...violationsOf(schemas[key], copy, [key])];
      if (found.length === 0) requireFinite(copy);
      values.set(key, copy);
      return found;
    } catch {
      return [{ path: [key], value, wanted: PLAIN }];
    }
  });
  return { values: Object.fromEntries(values), violations };
}

/** Of a value and all inside of it. It goes as deep as the schema does. */
function* violationsOf(schema: Schema, value: unknown, path: readonly string[]): Generator<Violation> {
  const wanted = wantedOf(schema, value);
  if (wanted !== undefined) yield { path, value, wanted };
  const { items, properties = {}, additionalProperties = true } = schema;
  for (const [key, inner] of Object.entries(isContainer(value) ? value : {})) {
    const known = !Array.isArray(value) && Object.hasOwn(properties, key);
    const own = Array.isArray(value) ? items : known ? properties[key] : additionalProperties;
    if (own === false) yield { path, value, wanted: "", unknown: { name: key, known: Object.keys(properties) } };
    else if (typeof own === "object") yield* violationsOf(own, inner, [...path, key]);
  }
}

/** What the value itself, and not what is inside of it, should be: by the first keyword that it violates. A NaN keeps within no limit. */
function wantedOf(schema: Schema, value: unknown): string | undefined {
  const { type, enum: one } = schema;
  if (type !== undefined && !isOfType(type, value)) return `must be of type ${type}`;
  if (one !== undefined && !one.includes(value)) return `must be one of ${one.join(", ")}`;
  if (typeof value === "number") {
    const { minimum, maximum, multipleOf } = schema;
    if (maximum !== undefined && !(value <= maximum)) return `must be at most ${maximum}`;
    if (minimum !== undefined && !(value >= minimum)) return `must be at least ${minimum}`;
    if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) return `must be a multiple of ${multipleOf}`;
  } else if (typeof value === "string") {
    const { minLength = 0, maxLength = value.length } = schema;
    return wantedCount(characters(value), minLength, maxLength, "characters");
  } else if (Array.isArray(value)) {
    const { minItems = 0, maxItems = value.length } = schema;
    return wantedCount(value.length, minItems, maxItems, "entries");
  } else if (isContainer(value)) {
    const missing = schema.required?.find((name) => !Object.hasOwn(value, name));
    if (missing !== undefined) return `must have the key ${missing}`;
  }
  return undefined;
}

function wantedCount(count: number, least: number, most: number, what: string): string | undefined {
  if (count < least) return `must have at least ${least} ${what}`;
  if (count > most) return `must have at most ${most} ${what}`;
  return undefined;
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isContainer(value) && !Array.isArray(value);
    case "null":
      return value === null;
    default:
      return typeof value === type;
  }
}

const isContainer = (value: unknown): value is object => typeof value === "object" && value !== null;

/** As JSON counts them: code points. */
function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
