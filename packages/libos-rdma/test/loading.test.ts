import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { whyNoAddon } from "../src/addon";

const program = fileURLToPath(new URL("programs/wasm-trap.mjs", import.meta.url));
const reason = whyNoAddon();
const run = reason === undefined || process.env.CI === "true" ? it : it.skip;
const named = (name: string) => (reason === undefined ? name : `${name} (${reason})`);

for (const thread of ["main", "worker"]) {
  run(named(`the libraries of the addon leave the process its signal handlers: loaded by the ${thread} thread`), () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, thread], { encoding: "utf8" });
    expect([status, stdout, stderr]).toEqual([0, "memory access out of bounds\nhandlers: the same\n", ""]);
  });
}
