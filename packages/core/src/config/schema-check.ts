/** Checks values against the JSON Schemas of options, each option by itself. */
import { createRequire } from "node:module";
import type { Ajv2020, ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { DemiError } from "../errors.js";
import type { Schemas } from "./option-schema.js";
import { requireFinite, requireJson } from "./plain-data.js";

export { type Schemas, schemaProblem } from "./option-schema.js";

/** What is wrong with the value at `path`, or at `path` with a key that its map must not have (`unknown`; `known` are those it may have). */
export interface Violation {
  path: readonly string[];
  value: unknown;
  wanted: string;
  unknown?: { name: string; known: readonly string[] };
}

const PLAIN = "must be plain data of a moderate size: no functions, no cycles, finite numbers";

let validator: Ajv2020 | undefined;
/**
 * The validator. Loading it takes longer than anything else that opening a libOS does, and only who gives options needs it: so it is loaded
 * for the first of them, and compiles the schemas of those that are given.
 */
function ajv(): Ajv2020 {
  if (validator !== undefined) return validator;
  const library = createRequire(import.meta.url)("ajv/dist/2020.js") as typeof import("ajv/dist/2020.js");
  validator = new library.Ajv2020({
    allErrors: true,
    verbose: true,
    // What every object inherits is no key of it.
    ownProperties: true,
    // Infinity and NaN inside plain data have a separate message.
    strictNumbers: false,
    // Schemas are looked at when their backend is loaded: option-schema.ts.
    strict: false,
    meta: false,
    validateSchema: false,
    logger: false,
  });
  return validator;
}

/** Ajv writes a function for each schema. Throws DemiError EPERM where the process forbids that. */
function compiled(schema: object): ValidateFunction {
  try {
    return ajv().compile(schema);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    const why =
      "options cannot be checked where code from strings is forbidden (--disallow-code-generation-from-strings)";
    throw new DemiError("EPERM", "openLibOS", why, undefined, error);
  }
}

/** What the values violate; empty when they are right. Whatever the values are, they make it throw nothing. */
export function violations(schemas: Schemas, values: Readonly<Record<string, unknown>>): Violation[] {
  return Object.entries(values).flatMap(([key, value]) => {
    if (!Object.hasOwn(schemas, key)) {
      return [{ path: [], value: values, wanted: "", unknown: { name: key, known: Object.keys(schemas) } }];
    }
    const validate = compiled(schemas[key]);
    try {
      requireJson(value);
      const found = violationsOf(key, validate, value);
      if (found.length === 0) requireFinite(value);
      return found;
    } catch {
      return [{ path: [key], value, wanted: PLAIN }];
    }
  });
}

/** One for each place: its type where that is wrong, else the first. */
function violationsOf(key: string, validate: ValidateFunction, value: unknown): Violation[] {
  if (validate(value)) return [];
  const found = new Map<string, Violation>();
  const errors = validate.errors ?? [];
  for (const error of [...errors.filter(isType), ...errors.filter((one) => !isType(one))]) {
    const violation = toViolation(key, error);
    const place = JSON.stringify([violation.path, violation.unknown?.name]);
    if (!found.has(place)) found.set(place, violation);
  }
  return [...found.values()];
}

const isType = ({ keyword }: ErrorObject) => keyword === "type";

function toViolation(key: string, error: ErrorObject): Violation {
  const path = [key, ...keysOf(error.instancePath)];
  if (error.keyword !== "additionalProperties") return { path, value: error.data, wanted: wanted(error) };
  const { properties = {} } = error.parentSchema as { properties?: object };
  const name = String(error.params.additionalProperty);
  return { path, value: error.data, wanted: "", unknown: { name, known: Object.keys(properties) } };
}

/** `schema` is what the violated keyword says. */
function wanted({ keyword, schema, params, message }: ErrorObject): string {
  switch (keyword) {
    case "enum":
      return `must be one of ${(schema as unknown[]).join(", ")}`;
    case "type":
      return `must be of type ${schema}`;
    case "minimum":
      return `must be at least ${schema}`;
    case "maximum":
      return `must be at most ${schema}`;
    case "multipleOf":
      return `must be a multiple of ${schema}`;
    case "minItems":
      return `must have at least ${schema} entries`;
    case "maxItems":
      return `must have at most ${schema} entries`;
    case "minLength":
      return `must have at least ${schema} characters`;
    case "maxLength":
      return `must have at most ${schema} characters`;
    case "required":
      return `must have the key ${params.missingProperty}`;
    default:
      return `is wrong: ${message}`;
  }
}

/** The keys of a JSON Pointer (RFC 6901). */
function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
