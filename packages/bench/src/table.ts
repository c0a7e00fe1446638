/** Tables for the terminal, and how figures are written in them. */
import Table from "cli-table3";
import type { Quartiles } from "./statistics.js";

/** Lines of equal length; numbers belong right-aligned, so all columns but the first are. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const grid = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) grid.push([...row]);
  return grid.toString();
}

/** Three significant digits, no exponent: 0.0123, 1.23, 12.3, 123, 12345. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(decimals, 6));
}

/** "1.23 [1.10-1.31]": median and quartiles. */
export function spread(values: Quartiles): string {
  return `${figure(values.median)} [${figure(values.q1)}-${figure(values.q3)}]`;
}

/** 123456 as "123k". */
export function thousands(value: number): string {
  return value < 10_000 ? figure(value) : `${(value / 1000).toFixed(0)}k`;
}
