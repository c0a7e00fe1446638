/** Documents, for the tests that compare them with what they describe. */
import { readFileSync } from "node:fs";

/** The first table in a document whose first row has these cells. */
export function tableIn(document: URL, ...head: string[]): string {
  const lines = readFileSync(document, "utf8").split("\n");
  const first = lines.indexOf(`| ${head.join(" | ")} |`);
  if (first < 0) throw new Error(`${document.pathname} has no table of ${head.join(", ")}`);
  const length = lines.slice(first).findIndex((line) => !line.startsWith("|"));
  return lines.slice(first, length < 0 ? undefined : first + length).join("\n");
}

/** The table of options in the LIMITS.md beside the folder of a test, which is what optionTable() makes. */
export const optionsIn = (document: URL) => tableIn(document, "option", "default", "values", "meaning");
