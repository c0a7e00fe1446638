import { optionLimit, optionTable } from "../src/config/option-table.js";
import { coreDefaults, coreProperties } from "../src/schema.js";
import { optionsIn } from "./documented.js";

const page = (path: string) => new URL(path, import.meta.url);

test.each(["../LIMITS.md", "../../../docs/configuration.md"])(
  "%s has the options as their schema states them",
  (path) => {
    expect(optionsIn(page(path))).toBe(optionTable(coreProperties));
  },
);

test("every option has a default", () => {
  expect(Object.values(coreDefaults)).not.toContain(undefined);
});

test("a limit that an option sets", () => {
  const schemas = { credits: { type: "integer", maximum: 1024, default: 16 }, longest: { type: "integer" } };
  expect(optionLimit(schemas, "credits")).toBe("16; option credits, up to 1024");
  expect(optionLimit(schemas, "longest", 9)).toBe("9; option longest");
});

test("a table of all kinds of values", () => {
  const table = optionTable({
    text: { type: "string", description: "Any." },
    choice: { type: "string", enum: ["a", "b"], default: "a" },
    size: { enum: [2, 4, 8] },
    count: { type: "integer", minimum: 1, maximum: 9, multipleOf: 2, default: 3 },
    more: { type: "array", maxItems: 2, items: { type: "number" } },
    map: { type: "object", additionalProperties: { type: "string" } },
  });
  expect(table.split("\n").slice(2)).toEqual([
    "| `text` |  | text | Any. |",
    "| `choice` | `a` | `a`, `b` |  |",
    "| `size` |  | powers of two, 2 to 8 |  |",
    "| `count` | `3` | 1 to 9, a multiple of 2 |  |",
    "| `more` |  | a list of up to 2: a number |  |",
    "| `map` |  | a map |  |",
  ]);
});
