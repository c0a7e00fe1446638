/** Sizes for people. */

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** 65536 as "64 KiB", 1536 as "1.5 KiB". */
export function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** "1 log", "2 logs". */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
