// Writes src/layout.ts from native/include/demi/layout.hpp, so that the two sides of the boundary cannot disagree.
// With --check it only compares and exits 1 on a difference.
import { readFileSync, writeFileSync } from "node:fs";

const header = new URL("../native/include/demi/layout.hpp", import.meta.url);
const target = new URL("../src/layout.ts", import.meta.url);

// A const enum: the compiler writes the numbers into the code, where a module's constants would be loads on the data path.
const lines = [
  "// Generated from native/include/demi/layout.hpp by scripts/layout.mjs. Do not edit.",
  "export const enum Layout {",
];
for (const [, name, value] of readFileSync(header, "utf8").matchAll(
  /^inline constexpr std::int32_t k(\w+) = (-?(?:0x[0-9a-f]+|\d+));/gm,
)) {
  const constant = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase();
  lines.push(`  ${constant} = ${value},`);
}
lines.push("}");
const text = `${lines.join("\n")}\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error("src/layout.ts does not match native/include/demi/layout.hpp: run `node scripts/layout.mjs`");
    process.exit(1);
  }
} else {
  let current = "";
  try {
    current = readFileSync(target, "utf8");
  } catch {}
  if (current !== text) writeFileSync(target, text);
}
