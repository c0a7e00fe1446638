/** All cases, by theme. */
import { readdirSync } from "node:fs";

/** The name of what the runner looks at in the end. */
export const LEFT_OVER = "what is left over";

const folder = new URL("./cases/", import.meta.url);

/** @returns {Promise<{ name: string, run: Function, needs: string[], alone: boolean }[]>} */
export async function allCases() {
  const all = [];
  for (const file of readdirSync(folder).sort()) {
    const { cases, alone = {} } = await import(new URL(file, folder));
    const theme = file.replace(/\.mjs$/, "");
    for (const [group, isAlone] of [
      [cases, false],
      [alone, true],
    ]) {
      for (const [name, run] of Object.entries(group))
        all.push({ name: `${theme}: ${name}`, run, needs: run.needs ?? [], alone: isAlone });
    }
  }
  return all;
}
