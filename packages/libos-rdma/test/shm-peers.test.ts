import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { whyNoAddon } from "../src/addon.js";

const program = (name: string) => fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
const reason = whyNoAddon();
const run = reason === undefined || process.env.CI === "true" ? it : it.skip;
const named = (name: string) => (reason === undefined ? name : `${name} (${reason})`);

run.each([
  ["process.exit(3)", 3],
  ["throw new Error('an error')", 1],
  ["", 0],
])(named("a process that ends by %j leaves nothing in /dev/shm"), (how, status) => {
  const code = `import { openLibOS } from "@demikernel/core";
    const os = await openLibOS({ libos: "rdma", provider: "shm" });
    os.listen(os.socket("tcp"));
    console.log(process.pid);
    ${how}`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    encoding: "utf8",
    timeout: 60_000,
  });
  expect({ status: ended.status, stderr: status === 1 ? "" : ended.stderr }).toEqual({ status, stderr: "" });
  const pid = ended.stdout.trim();
  expect(pid).toMatch(/^\d+$/);
  expect(readdirSync("/dev/shm").filter((name) => name.startsWith(`demikernel-${pid}-`))).toEqual([]);
});

/** libfabric's provider shm has room for 256 peers at once. */
const CLIENTS = 300;

run(
  named("a service over shm keeps nothing of the processes that were its clients, however many they were"),
  async () => {
    const service = spawn(process.execPath, [program("shm-service")], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const lines = createInterface({ input: service.stdout })[Symbol.asyncIterator]();
      const port: string = (await lines.next()).value;
      const { status, stderr } = spawnSync(process.execPath, [program("shm-clients"), port, String(CLIENTS)], {
        encoding: "utf8",
        timeout: 200_000,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      service.stdin.write("what is mapped?\n");
      expect((await lines.next()).value).toBe("0");
      expect(service.exitCode).toBeNull();
    } finally {
      service.kill("SIGKILL");
      await once(service, "close");
    }
  },
  240_000,
);
