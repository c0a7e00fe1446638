import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { whyNoAddon } from "../src/addon.js";

const program = (name: string) => fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
const reason = whyNoAddon();
const run = reason === undefined || process.env.CI === "true" ? it : it.skip;
const named = (name: string) => (reason === undefined ? name : `${name} (${reason})`);

for (const thread of ["main", "worker"]) {
  run(named(`the libraries of the addon leave the process its signal handlers: used by the ${thread} thread`), () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program("wasm-trap"), thread], {
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "memory access out of bounds\nhandlers: the same\n", ""]);
  });
}

for (const provider of ["tcp", "shm"]) {
  run(named(`a libOS over ${provider} leaves the code of libc as it is`), () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program("libc-code"), provider], {
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, `${provider}: read, 0 bytes of libc changed\n`, ""]);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    run(named(`a process with a libOS over ${provider} ends by ${signal}, as without one`), async () => {
      const child = spawn(process.execPath, [program("terminated"), provider], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        const [said] = await once(child.stdout, "data");
        expect(String(said)).toBe(`${provider}\n`);
        child.kill(signal);
        expect(await once(child, "exit")).toEqual([null, signal]);
      } finally {
        child.kill("SIGKILL");
      }
    });
  }
}
