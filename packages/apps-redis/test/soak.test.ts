/** Mixed load with clients that come, go and die: replies are right, memory is flat, and nothing is left of them. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { DemiRedis } from "./demi-redis.js";

const program = fileURLToPath(new URL("programs/soak.mjs", import.meta.url));
/** Seconds of each half; DEMI_SOAK is the whole in seconds. */
const HALF = Number(process.env.DEMI_SOAK ?? 10) / 2;
/** What the second half may add to resident memory, beyond a tenth: caches of compiled code, pages of the arena first touched. */
const MORE_BYTES = 48 << 20;

/** Resident memory, bytes. */
function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

async function soak(port: number, seconds: number): Promise<Record<string, number>> {
  const child = spawn(process.execPath, [program, "--port", String(port), "--seconds", String(seconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (data) => {
    text += data;
  });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  expect(code).toBe(0);
  return JSON.parse(text);
}

/** What is held: of clients, and by the libOS. */
async function counters(server: DemiRedis): Promise<Record<string, number>> {
  const text = String((await server.call([["INFO", "everything"]]))[0]);
  const names = ["connected_clients", "blocked_clients", "tracking_clients", "pubsub_channels", "pubsub_patterns"];
  const held = ["libos_queues", "libos_outstanding", "libos_appSlots", "libos_deviceSlots"];
  const field = (name: string) => Number(new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1]);
  return Object.fromEntries([...names, ...held].map((name) => [name, field(name)]));
}

test(
  "clients that come, go and die",
  async () => {
    const server = await DemiRedis.start();
    try {
      const atRest = await counters(server);
      const first = await soak(server.port, HALF);
      const before = resident(server.pid);
      const second = await soak(server.port, HALF);
      const after = resident(server.pid);
      console.log(JSON.stringify({ first, second, before, after }));
      expect(second.died).toBeGreaterThan(0);
      expect(after).toBeLessThan(before * 1.1 + MORE_BYTES);
      await server.call([["FLUSHALL"]]);
      // The last of them are told to be gone by the network, and their memory comes back from it, a moment later.
      let left = await counters(server);
      for (let tries = 0; tries < 100 && !isDeepStrictEqual(left, atRest); tries++) {
        await pause(50);
        left = await counters(server);
      }
      expect(left).toEqual(atRest);
    } finally {
      await server.stop();
    }
  },
  (2 * HALF + 60) * 1000,
);
