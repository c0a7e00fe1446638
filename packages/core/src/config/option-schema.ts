/**
 * The JSON Schemas that options may have (JSON Schema Validation 2020-12, sections 6 and 9): the keywords about one value, none that combine
 * or refer to schemas. Backends state theirs, and each is looked at whenever its backend is loaded: so this is a table, for which nothing
 * has to be compiled.
 */
import { plainCopy, requireFinite } from "./plain-data.js";

/** Options by name, and the schema of each: the properties of an object that has no others. */
export type Schemas = Readonly<Record<string, object>>;

/** What is wrong below `path`: a sentence that begins with the path; undefined when nothing is. */
type Rule = (value: unknown, path: readonly string[]) => string | undefined;

const TYPES: readonly unknown[] = ["string", "integer", "number", "boolean", "object", "array", "null"];
/** Names that every object seems to have. */
const TAKEN: readonly string[] = Object.getOwnPropertyNames(Object.prototype);

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const at = (path: readonly string[]) => path.join(".") || "they";
const must =
  (be: string, holds: (value: unknown) => boolean): Rule =>
  (value, path) =>
    holds(value) ? undefined : `${at(path)}: must be ${be}`;

const number = must("a number", (value) => typeof value === "number");
const count = must("a whole number from 0", (value) => Number.isInteger(value) && (value as number) >= 0);
const text = must("a string", (value) => typeof value === "string");
const name = must(
  "a name that no object has by itself",
  (value) => typeof value === "string" && !TAKEN.includes(value),
);
const list = (item: Rule, least = 0): Rule => {
  const whole = must(least > 0 ? "a list that is not empty" : "a list", (v) => Array.isArray(v) && v.length >= least);
  return (value, path) =>
    whole(value, path) ?? first((value as unknown[]).map((v, i) => item(v, [...path, String(i)])));
};

const schemasByName: Rule = (value, path) => {
  if (!isMap(value)) return `${at(path)}: must be a map of schemas`;
  return first(Object.entries(value).map(([key, inner]) => name(key, [...path, key]) ?? schema(inner, [...path, key])));
};

const schema: Rule = (value, path) => {
  if (!isMap(value)) return `${at(path)}: must be a schema, which is a map`;
  return first(
    Object.entries(value).map(([key, inner]) => {
      const rule = Object.hasOwn(keywords, key) ? keywords[key] : undefined;
      return rule ? rule(inner, [...path, key]) : `${at([...path, key])} is no keyword that options may use`;
    }),
  );
};

const keywords: Readonly<Record<string, Rule>> = {
  type: must(`one of ${TYPES.join(", ")}`, (value) => TYPES.includes(value)),
  enum: list(
    must("a string, a number or a boolean", (value) => ["string", "number", "boolean"].includes(typeof value)),
    1,
  ),
  minimum: number,
  maximum: number,
  multipleOf: must("a number above 0", (value) => typeof value === "number" && value > 0),
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  items: schema,
  properties: schemasByName,
  required: list(name),
  additionalProperties: (value, path) => (typeof value === "boolean" ? undefined : schema(value, path)),
  default: () => undefined,
  title: text,
  description: text,
};

/** Why these cannot be the schemas of options; undefined when they can. */
export function schemaProblem(schemas: Schemas): string | undefined {
  try {
    requireFinite(plainCopy(schemas));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return schemasByName(schemas, []);
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
