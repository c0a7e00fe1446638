import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buildNative } from "../src/bench/build-native.js";

const directory = mkdtempSync(join(tmpdir(), "demi-echo-native-"));
const programs = buildNative(directory);
const servers: Server[] = [];

afterAll(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function load(port: number, ...args: string[]): Promise<Ended> {
  const child = spawn(programs.load, ["--port", String(port), "--seconds", "0.2", "--warmup", "0.05", ...args]);
  const ended = { code: null as number | null, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => (ended.stdout += data));
  child.stderr.on("data", (data) => (ended.stderr += data));
  return new Promise((resolve) => child.on("close", (code) => resolve({ ...ended, code })));
}

/** A TCP server of the test's own, for behaviour that no right server has. */
async function misbehaving(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe.each(["epoll", "uring"] as const)("the C server on %s", (kind) => {
  const program = programs[kind];
  if (typeof program !== "string") {
    test("can be built", () => {
      if (process.env.CI) throw new Error(program.missing);
      console.warn(`SKIP: C server on ${kind}: ${program.missing}`);
    });
    return;
  }

  test.each([[[]], [["--busy"]]])("echoes whatever the shape of the load (%j)", async (flags) => {
    const server = spawn(program, flags, { stdio: ["ignore", "pipe", "inherit"] });
    try {
      const port = await new Promise<number>((resolve, reject) => {
        createInterface({ input: server.stdout }).on("line", (line) =>
          resolve(Number(/^listening .*:(\d+)$/.exec(line)?.[1])),
        );
        server.on("close", (code) => reject(new Error(`ended with ${code}`)));
      });
      for (const shape of [
        ["--connections", "1", "--busy"],
        ["--connections", "64"],
        ["--connections", "16", "--depth", "8", "--size", "1"],
        ["--connections", "3", "--depth", "4", "--size", "300000"],
      ]) {
        const { code, stdout, stderr } = await load(port, "--pid", String(server.pid), "--seconds", "0.5", ...shape);
        expect({ shape, code, stderr }).toEqual({ shape, code: 0, stderr: "" });
        const report = JSON.parse(stdout);
        expect(report.mismatches).toBe(0);
        expect(report.requests).toBeGreaterThan(0);
        expect(report.serverCpuNs).toBeGreaterThan(0);
        expect(report.seconds).toBeGreaterThanOrEqual(0.5);
        expect(report.min).toBeLessThanOrEqual(report.p50);
        expect(report.p50).toBeLessThanOrEqual(report.p99);
        expect(report.p99).toBeLessThanOrEqual(report.p999);
        expect(report.p999).toBeLessThanOrEqual(report.max);
        const counted = report.buckets.reduce((sum: number, [, count]: [number, number]) => sum + count, 0);
        expect(counted).toBe(report.requests);
      }
      server.kill("SIGTERM");
      expect(await new Promise((resolve) => server.removeAllListeners("close").on("close", resolve))).toBe(0);
    } finally {
      server.kill("SIGKILL");
    }
  });
});

describe("the load generator", () => {
  test("counts messages that come back wrong", async () => {
    let received = 0;
    const port = await misbehaving((socket) =>
      socket.on("data", (data) => {
        received++;
        if (received % 50 === 0) data[data.length - 1] ^= 1;
        socket.write(data);
      }),
    );
    const { code, stdout, stderr } = await load(port);
    expect(code).toBe(3);
    expect(JSON.parse(stdout).mismatches).toBeGreaterThan(0);
    expect(JSON.parse(stdout).mismatches).toBeLessThanOrEqual(received / 50);
    expect(stderr).toMatch(/^\d+ messages came back wrong\n$/);
  });

  test("notices a message of another connection", async () => {
    // Two connections, each of which gets what the other sent.
    const waiting: { socket: Socket; data: Buffer }[] = [];
    const port = await misbehaving((socket) =>
      socket.on("data", (data) => {
        if (waiting.push({ socket, data }) < 2) return;
        const [one, other] = waiting.splice(0);
        one.socket.write(other.data);
        other.socket.write(one.data);
      }),
    );
    expect((await load(port, "--connections", "2")).code).toBe(3);
  });

  test.each<[string, (socket: Socket) => void, RegExp]>([
    [
      "sends more than it got",
      (s) => s.on("data", (data) => s.write(Buffer.concat([data, data]))),
      /more bytes than were sent/,
    ],
    ["closes", (s) => s.once("data", () => s.end()), /server closed the connection|Connection reset/],
    ["resets", (s) => s.once("data", () => s.resetAndDestroy()), /Connection reset/],
    ["says nothing", (s) => s.resume(), /no message came back/],
  ])("fails when the server %s", async (_, behave, said) => {
    const { code, stdout, stderr } = await load(await misbehaving(behave));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(said);
  });

  test.each([[["--size", "0"]], [["--connections", "5000"]], [["--seconds", "x"]], [["--what", "1"]], [["--pid"]]])(
    "refuses %j",
    async (args) => {
      const { code, stderr } = await load(1, ...args);
      expect(code).toBe(1);
      expect(stderr).toContain(args[0]);
    },
  );
});

test("a missing compiler is named, with what to install", () => {
  const empty = mkdtempSync(join(tmpdir(), "demi-echo-native-"));
  try {
    expect(() => buildNative(empty, "/nonexistent/cc")).toThrow(/"\/nonexistent\/cc" does not run: apt-get install/);
  } finally {
    rmSync(empty, { recursive: true });
  }
});
