/** Goals: what a benchmark should show, and whether it did. */
import { figure } from "./table.js";

export interface Goal {
  what: string;
  value: number;
  limit: number;
  unit: string;
  /** Which side of the limit the value should be on; the limit itself is good enough. */
  relation: "at most" | "at least";
  pass: boolean;
}

export function atMost(what: string, value: number, limit: number, unit = ""): Goal {
  return { what, value, limit, unit, relation: "at most", pass: value <= limit };
}

export function atLeast(what: string, value: number, limit: number, unit = ""): Goal {
  return { what, value, limit, unit, relation: "at least", pass: value >= limit };
}

/** "PASS  what: 1.02 us (goal: at most 1.1)". */
export function goalLine({ what, value, limit, unit, relation, pass }: Goal): string {
  const amount = unit === "" ? figure(value) : `${figure(value)} ${unit}`;
  return `${pass ? "PASS" : "MISS"}  ${what}: ${amount} (goal: ${relation} ${limit})`;
}
