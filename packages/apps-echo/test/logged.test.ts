/** demi-echo server --log: what was echoed is in the log, whatever becomes of the server. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { openLibOS } from "@demikernel/core";
import { endAll, Program, packageDir, runClient, temporaryDirectory } from "./program.js";

afterEach(endAll);

const dir = temporaryDirectory();
/** An application that has the storage engine among its dependencies; ours has not, so that it does not have to be chosen elsewhere. */
const application = join(dir, "application");
mkdirSync(join(application, "node_modules/@demikernel"), { recursive: true });
symlinkSync(join(packageDir, "../libos-spdk"), join(application, "node_modules/@demikernel/libos-spdk"));
writeFileSync(
  join(application, "package.json"),
  JSON.stringify({ name: "application", private: true, dependencies: { "@demikernel/libos-spdk": "*" } }),
);

const server = (...args: string[]) =>
  new Program(
    process.execPath,
    [join(packageDir, "dist/cli.js"), "server", "--libos", "posix", "--port", "0", ...args],
    { cwd: application },
  );
const logged = (device: string, ...args: string[]) =>
  server("--storage", "spdk", "--storage-device", device, "--log", "echo", ...args);
const portOf = async (program: Program) => (await program.says(/^listening on \S+:(\d+) \(posix, .*; spdk, /m))[1];

async function connected(port: string): Promise<Socket> {
  const socket = connect(Number(port), "127.0.0.1").on("error", () => {});
  await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
  return socket;
}

/** Every record of the log, in order. */
async function records(device: string): Promise<Buffer[]> {
  const os = await openLibOS({ libos: "spdk", device, from: application });
  try {
    const log = os.open("echo", "r");
    const all: Buffer[] = [];
    for (;;) {
      const { result, sga } = os.wait(os.pop(log), 10_000);
      if (result === 0) return all;
      expect(result).toBeGreaterThan(0);
      all.push(os.sga.copy(sga));
      os.free(sga);
    }
  } finally {
    os.destroy();
  }
}

test("many connections are echoed, and every message is counted as logged", async () => {
  const device = `file:${join(dir, "counted")},size=32MiB`;
  const program = logged(device);
  const port = await portOf(program);
  const client = await runClient(["--libos", "posix", "--port", port, "-c", "64", "-i", "1000"]);
  expect(client).toMatchObject({ code: 0 });
  expect(client.stdout).toMatch(/1000 of 1000 echoes/);
  const ended = await program.end("SIGINT");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(
    /served 64 connections, 1000 messages, 64000 bytes.*\nlogged 1000 messages, 64000 bytes\n/,
  );
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  expect(Buffer.concat(await records(device))).toHaveLength(64_000);
});

test("what was echoed is in the log after the server was killed, in order", async () => {
  const device = `file:${join(dir, "killed")},size=32MiB`;
  const program = logged(device);
  const socket = await connected(await portOf(program));
  // One after the other, each when the last has come back: the kill comes in the middle of some append.
  let echoed = "";
  let sent = 0;
  const send = () => socket.write(`message ${sent++}\n`);
  await new Promise<void>((resolve) => {
    socket.on("data", (data) => {
      echoed += data.toString();
      if (!echoed.endsWith("\n")) return;
      if (sent === 200) program.end("SIGKILL");
      send();
    });
    socket.on("close", () => resolve());
    send();
  });
  expect(await program.exited).toMatchObject({ signal: "SIGKILL" });
  const all = Buffer.concat(await records(device)).toString();
  expect(echoed.split("\n").length).toBeGreaterThan(199);
  expect(all.startsWith(echoed)).toBe(true);
  // Of one connection at most one message was on its way.
  expect(all.slice(echoed.length).split("\n").length).toBeLessThanOrEqual(2);
}, 60_000);

test("a full device: the connection is closed, nothing is echoed that is not logged, and the server says why", async () => {
  const device = `file:${join(dir, "full")},size=2MiB`;
  const program = logged(device);
  const port = await portOf(program);
  const socket = await connected(port);
  const message = Buffer.alloc(20_000, "x");
  let echoed = 0;
  await new Promise<void>((resolve) => {
    socket.on("data", (data) => {
      echoed += data.length;
      if (echoed % message.length === 0) socket.write(message);
    });
    socket.on("close", () => resolve());
    socket.write(message);
  });
  expect(echoed).toBeGreaterThan(0);
  expect(echoed).toBeLessThan(2 << 20);
  await program.prints("stderr", /log "echo": a message could not be appended \(ENOSPC\)/);
  const ended = await program.end("SIGINT");
  expect(ended.code).toBe(0);
  expect(ended.stdout).toMatch(/logged \d+ messages, \d+ bytes, 1 could not be appended\nleft open: 0 queues, 0/);
  const bytes = Buffer.concat(await records(`file:${join(dir, "full")}`)).length;
  expect(bytes).toBeGreaterThanOrEqual(echoed);
}, 60_000);

test.each([
  [["--log", "echo"], /--log needs a storage engine beside the network: npm install @demikernel\/libos-spdk/],
  [["--storage-device", "file:x"], /--storage-device is an option of the engine that --storage names/],
  [["--udp", "--storage", "spdk", "--log", "echo"], /--log is for connections/],
  [["--storage", "spdk", "--storage-device", "disk:x", "--log", "echo"], /file:PATH/],
  [["--storage", "abacus", "--log", "echo"], /storage engine "abacus" is not installed/],
])("%j is refused in a sentence", async (args, message) => {
  const { code, stdout, stderr } = await server(...args).exited;
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n\s+at /);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
});

test("a configuration file names the engine and its device as well", async () => {
  const config = join(dir, "demi.yaml");
  writeFileSync(config, `libos: posix\nstorage: spdk\nspdk:\n  device: file:${join(dir, "configured")},size=16MiB\n`);
  const program = server("--config", config, "--log", "echo");
  const port = await portOf(program);
  const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port], { input: "hello, log\n" }).exited;
  expect(nc).toMatchObject({ code: 0, stdout: "hello, log\n" });
  expect((await program.end("SIGINT")).stdout).toMatch(/logged 1 messages, 11 bytes/);
});
