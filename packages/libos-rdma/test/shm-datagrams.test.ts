/** Datagrams over shm between processes, one of which dies. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as passed } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type LibOS, openLibOS } from "@demikernel/core";
import { whyNoAddon } from "../src/addon.js";

const program = fileURLToPath(new URL("programs/datagram-echo.mjs", import.meta.url));
const reason = whyNoAddon();
const run = reason === undefined || process.env.CI === "true" ? it : it.skip;
const named = (name: string) => (reason === undefined ? name : `${name} (${reason})`);

type Service = ChildProcessByStdio<null, Readable, null>;
const services: Service[] = [];
let os: LibOS | undefined;

afterEach(async () => {
  os?.destroy();
  for (const service of services.splice(0)) await kill(service);
});

async function kill(service: Service) {
  if (service.exitCode !== null || service.signalCode !== null) return;
  service.kill("SIGKILL");
  await once(service, "close");
}

async function start(port = 0) {
  const service = spawn(process.execPath, [program, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  services.push(service);
  const [line] = await once(createInterface({ input: service.stdout }), "line");
  return { service, port: Number(line) };
}

run(
  named("a service over shm that was killed is found again when another has its port"),
  async () => {
    os = await openLibOS({ libos: "rdma", provider: "shm" });
    const client = os.socket("udp");
    const { port } = await start();
    /** Asks until somebody answers, as one does with datagrams: 50 ms apart, 20 s at most. */
    const ask = async (text: string) => {
      const libos = os as LibOS;
      for (let n = 0; n < 400; n++) {
        await libos.async.pushTo(client, libos.sga.from(text), { host: "127.0.0.1", port }, { free: true });
        const answer = await libos.async.pop(client, { signal: AbortSignal.timeout(50) }).catch(() => 0 as const);
        if (answer === 0) continue;
        expect(libos.sga.address(answer)).toEqual({ host: "127.0.0.1", port, family: 4 });
        const got = libos.sga.copy(answer).toString();
        libos.free(answer);
        if (got === text) return n;
      }
      throw new Error(`no answer to ${text}`);
    };
    await ask("one");
    for (let round = 0; round < 3; round++) {
      await kill(services[services.length - 1]);
      // To nobody, or to memory that nobody looks at any more: no error, nothing that stays.
      for (let n = 0; n < 10; n++) {
        await os.async.pushTo(client, os.sga.from("nobody"), { host: "127.0.0.1", port }, { free: true });
        await passed(1);
      }
      await start(port);
      await ask(`after death ${round}`);
    }
    os.close(client);
    expect(os.stats()).toMatchObject({ outstanding: 0, queues: 0, appSlots: 0 });
  },
  60_000,
);
