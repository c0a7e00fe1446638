/**
 * Checks values against the JSON Schemas of options, and such schemas themselves. The validator reads a schema where others compile it to
 * code: a schema is used once or twice in the life of a process, and compiling it took longer than anything else that opening a libOS does.
 */
import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";

/** Options by name, and the schema of each: the properties of an object that has no others. */
export type Schemas = Readonly<Record<string, object>>;

/** What is wrong with the value at `path`, or at `path` with a key that its map must not have (`unknown`; `known` are those it may have). */
export interface Violation {
  path: readonly string[];
  value: unknown;
  wanted: string;
  unknown?: { name: string; known: readonly string[] };
}

const DRAFT = "2020-12";
/** What these report is that something in it is wrong, and that is reported as well. */
const SAYS_INSIDE = ["properties", "items", "additionalProperties", "propertyNames", "$ref"];
const PLAIN = "must be plain data of a moderate size: no functions, no cycles, finite numbers";
const TYPES = ["string", "integer", "number", "boolean", "object", "array", "null"];
const COUNTS = ["minLength", "maxLength", "minItems", "maxItems"];
const each = (names: readonly string[], schema: Schema) => Object.fromEntries(names.map((name) => [name, schema]));
const option = (...type: ("object" | "boolean")[]): Schema => ({ $ref: "#/$defs/option", type });
/** Names that every object seems to have: the validator asks with `in`. */
const taken: Schema = { not: { enum: Object.getOwnPropertyNames(Object.prototype) } };

/** The keywords that options may use (JSON Schema Validation 2020-12, sections 6 and 9), and what each takes. */
const optionSchema: Schema = {
  $defs: {
    option: {
      additionalProperties: false,
      properties: {
        type: { enum: TYPES },
        enum: { type: "array", minItems: 1, items: { type: ["string", "number", "boolean"] } },
        ...each(["minimum", "maximum"], { type: "number" }),
        multipleOf: { type: "number", exclusiveMinimum: 0 },
        ...each(COUNTS, { type: "integer", minimum: 0 }),
        items: option("object"),
        properties: { type: "object", propertyNames: taken, additionalProperties: option("object") },
        required: { type: "array", items: { type: "string", ...taken } },
        additionalProperties: option("object", "boolean"),
        default: {},
        ...each(["title", "description"], { type: "string" }),
      },
    },
  },
  type: "object",
  propertyNames: taken,
  additionalProperties: option("object"),
};

/** What the values violate; empty when they are right. Throws nothing, whatever the values are. */
export function violations(schemas: Schemas, values: Readonly<Record<string, unknown>>): Violation[] {
  const schema = optionsSchema(schemas);
  const validator = new Validator(schema, DRAFT, false);
  return Object.keys(values).flatMap((key) => {
    const one = { [key]: values[key] };
    try {
      // One for each place: the first, which is its type where that is wrong.
      const found = new Map<string, Violation>();
      for (const unit of validator.validate(one).errors) {
        const violation = toViolation(unit, schema, one);
        const place = JSON.stringify([violation?.path, violation?.unknown?.name]);
        if (violation && !found.has(place)) found.set(place, violation);
      }
      if (found.size === 0) requirePlain(one);
      return [...found.values()];
    } catch {
      // The validator throws for a bigint, a function, text that is no Unicode, and when it has too much to say.
      return [{ path: [key], value: values[key], wanted: PLAIN }];
    }
  });
}

/** Why these cannot be the schemas of options; undefined when they can. */
export function schemaProblem(schemas: Schemas): string | undefined {
  try {
    requirePlain(schemas);
    const { errors } = new Validator(optionSchema, DRAFT, false).validate(schemas);
    // What is wrong innermost is the reason of all the others.
    const [wrong] = errors
      .filter(({ keyword }) => !SAYS_INSIDE.includes(keyword))
      .map((unit) => ({ ...unit, path: pathOf(unit.instanceLocation) }))
      .sort((a, b) => b.path.length - a.path.length);
    if (wrong === undefined) return undefined;
    const keyword = wrong.path.join(".") || "they";
    return wrong.keyword === "false" ? `${keyword} is no keyword that options may use` : `${keyword}: ${wrong.error}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Throws unless it can be written as JSON and read back as it was. */
function requirePlain(value: unknown): void {
  JSON.stringify(value, (key, inner) => {
    const plain = typeof inner === "number" ? Number.isFinite(inner) : !["function", "symbol"].includes(typeof inner);
    if (!plain) throw new TypeError(`${key} is ${String(inner)}`);
    return inner;
  });
}

function optionsSchema(schemas: Schemas): Schema {
  // A copy: the validator writes into it.
  const properties = structuredClone(schemas) as Record<string, Schema>;
  return { type: "object", properties, additionalProperties: false };
}

function toViolation(unit: OutputUnit, root: Schema, values: unknown): Violation | undefined {
  const path = pathOf(unit.instanceLocation);
  const value = path.reduce((inner, key) => (inner as Record<string, unknown>)[key], values);
  const schema = path.reduce<Schema>(schemaOf, root);
  if (SAYS_INSIDE.includes(unit.keyword)) return undefined;
  if (unit.keyword !== "false") return { path, value, wanted: wanted(unit, schema, value) };
  const name = path.at(-1) as string;
  const known = Object.keys(path.slice(0, -1).reduce<Schema>(schemaOf, root).properties ?? {});
  // A key that is allowed but has a wrong value is reported like one that is not.
  if (known.includes(name)) return undefined;
  return { path: path.slice(0, -1), value, wanted: "", unknown: { name, known } };
}

/** The schema of what stands under `key`. */
function schemaOf(schema: Schema, key: string): Schema {
  const own = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined;
  const inner = own ?? schema.items ?? schema.additionalProperties;
  return typeof inner === "object" ? (inner as Schema) : {};
}

function wanted(unit: OutputUnit, schema: Schema, value: unknown): string {
  switch (unit.keyword) {
    case "enum":
      return `must be one of ${schema.enum?.join(", ")}`;
    case "type":
      return `must be of type ${schema.type}`;
    case "minimum":
      return `must be at least ${schema.minimum}`;
    case "maximum":
      return `must be at most ${schema.maximum}`;
    case "multipleOf":
      return `must be a multiple of ${schema.multipleOf}`;
    case "minItems":
      return `must have at least ${schema.minItems} entries`;
    case "maxItems":
      return `must have at most ${schema.maxItems} entries`;
    case "minLength":
      return `must have at least ${schema.minLength} characters`;
    case "maxLength":
      return `must have at most ${schema.maxLength} characters`;
    case "required":
      return `must have the key ${schema.required?.find((key) => !Object.hasOwn(value as object, key))}`;
    default:
      return `is wrong: ${unit.error}`;
  }
}

/** The keys of a JSON Pointer in its form as a fragment (RFC 6901, section 6). */
function pathOf(pointer: string): string[] {
  return decodeURI(pointer)
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
