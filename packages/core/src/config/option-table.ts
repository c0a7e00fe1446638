/** What the schemas of options say to people: the one place of ranges and defaults, as a table and as limits. */
import type { Schemas } from "./option-schema.js";

/** The keywords that are told. */
interface Told {
  type?: string;
  enum?: readonly (string | number | boolean)[];
  minimum?: number;
  maximum?: number;
  multipleOf?: number;
  maxItems?: number;
  items?: Told;
  properties?: Readonly<Record<string, Told>>;
  default?: unknown;
  description?: string;
}

/** The options as a table in Markdown, for a LIMITS.md. */
export function optionTable(schemas: Schemas): string {
  const rows = Object.entries(schemas as Readonly<Record<string, Told>>).map(([name, schema]) => [
    `\`${name}\``,
    schema.default === undefined ? "" : code(schema.default),
    valuesOf(schema),
    schema.description ?? "",
  ]);
  const [head, ...body] = [["option", "default", "values", "meaning"], ...rows].map((row) => `| ${row.join(" | ")} |`);
  return [head, "|---|---|---|---|", ...body].join("\n");
}

/** A number that an option sets, for a backend's limits(): "16; option credits, up to 1024". `usual` is what it is without the option. */
export function optionLimit(schemas: Schemas, name: string, usual?: number): string {
  const { default: value = usual, maximum } = schemas[name] as Told;
  return `${value}; option ${name}${maximum === undefined ? "" : `, up to ${maximum}`}`;
}

function valuesOf(schema: Told): string {
  if (schema.enum !== undefined) return choices(schema.enum);
  switch (schema.type) {
    case "boolean":
      return "true, false";
    case "integer":
    case "number":
      return range(schema);
    case "array": {
      const most = schema.maxItems === undefined ? "a list" : `a list of up to ${schema.maxItems}`;
      return schema.items === undefined ? most : `${most}: ${valuesOf(schema.items)}`;
    }
    case "object": {
      const keys = Object.entries(schema.properties ?? {}).map(([key, inner]) => `\`${key}\` ${valuesOf(inner)}`);
      return keys.length > 0 ? keys.join("; ") : "a map";
    }
    default:
      return "text";
  }
}

function choices(values: readonly (string | number | boolean)[]): string {
  const powers = values.length > 2 && values.every((value, i) => i === 0 || value === 2 * Number(values[i - 1]));
  return powers ? `powers of two, ${values[0]} to ${values.at(-1)}` : values.map(code).join(", ");
}

function range({ minimum, maximum, multipleOf }: Told): string {
  const ends = minimum === undefined ? [] : [`${minimum}`];
  if (maximum !== undefined) ends.push(`${maximum}`);
  return `${ends.join(" to ") || "a number"}${multipleOf === undefined ? "" : `, a multiple of ${multipleOf}`}`;
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
