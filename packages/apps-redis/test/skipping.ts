/** The one rule for tests that need what may not be there. */
import { spawnSync } from "node:child_process";

/** Declares tests. Where something is lacking they are skipped with the reason, and with CI=true they fail with it. */
export function unlessLacking(reason: string | undefined, name: string, body: () => void): void {
  if (reason === undefined) {
    body();
  } else if (process.env.CI === "true") {
    test(name, () => {
      throw new Error(reason);
    });
  } else {
    console.warn(`SKIP: ${name}: ${reason}`);
    test.skip(`${name} (${reason})`, () => {});
  }
}

/** Why one of Redis's own clients cannot be had here, or undefined. */
export function lackingClient(program: "redis-cli" | "redis-benchmark"): string | undefined {
  const { error } = spawnSync(program, ["--version"]);
  return error === undefined ? undefined : `no ${program} here: apt install redis-tools`;
}
