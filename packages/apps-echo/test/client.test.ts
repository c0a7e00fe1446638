/** The client: against our server in every combination, and against servers that do it wrong on purpose. */
import { spawnSync } from "node:child_process";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { usableEngines } from "./engines.js";
import {
  demiEcho,
  endAll,
  engineConfig,
  pause,
  reportIn,
  runClient,
  startServer,
  temporaryDirectory,
} from "./program.js";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const dir = temporaryDirectory();
const engines = usableEngines();
const peers: { close(): unknown }[] = [];

afterEach(async () => {
  await endAll();
  for (const peer of peers.splice(0)) peer.close();
});

/** A TCP server that is not ours. Returns its port. */
async function tcpPeer(serve: (socket: Socket) => void): Promise<string> {
  const server: Server = createServer({ noDelay: true }, (socket) => {
    peers.push({ close: () => socket.destroy() });
    serve(socket.on("error", () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  peers.push(server);
  return `${(server.address() as AddressInfo).port}`;
}

async function udpPeer(serve: (socket: Datagrams, message: Buffer, port: number) => void): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => serve(socket, message, from.port));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  peers.push(socket);
  return `${socket.address().port}`;
}

describe.each(engines)("over the posix engine %s", (engine) => {
  const kinds = {
    tcp: [],
    udp: ["--udp"],
    "tcp dmtr": ["--framing", "dmtr"],
    "udp dmtr": ["--udp", "--framing", "dmtr"],
  };
  // Frames know nothing of addresses.
  const hosts = (name: string) => (name.includes("dmtr") ? ["127.0.0.1"] : ["127.0.0.1", "::1"]);
  const cases = Object.entries(kinds).flatMap(([name, args]) => hosts(name).map((host) => ({ name, host, args })));

  test.each(cases)("$name at $host: every message comes back", async ({ host, args }) => {
    const common = [...args, "--host", host, "--config", engineConfig(dir, engine)];
    const { program, port } = await startServer(common);
    expect(program.stdout).toContain(`(posix, ${engine})`);
    const ended = await runClient([...common, "--port", `${port}`, "-i", "3000", "-c", "8", "-s", "200", "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(reportIn(ended)).toMatchObject({
      engine,
      completed: 3000,
      lost: 0,
      late: 0,
      mismatches: 0,
      clients: 8,
      size: 200,
    });
    const server = await program.end("SIGINT");
    expect(server.stdout).toMatch(
      args.length === 0 ? /served 8 connections, \d+ messages, 600000 bytes/ : /3000 messages, 600000 bytes/,
    );
    expect(server.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  });

  test.each([
    ["1 byte", ["-s", "1", "-i", "500"]],
    ["the largest message", ["-s", "1048576", "-i", "24", "-c", "3"]],
    ["the largest framed message", ["-s", "1048576", "-i", "24", "-c", "3", "--framing", "dmtr"]],
    ["the largest datagram", ["-s", "65507", "-i", "50", "--udp"]],
    ["the largest framed datagram", ["-s", "65491", "-i", "50", "--udp", "--framing", "dmtr"]],
    ["more clients than messages", ["-i", "3", "-c", "20"]],
    ["500 clients", ["-i", "5000", "-c", "500"]],
  ])("%s", async (_, args) => {
    const config = ["--config", engineConfig(dir, engine)];
    const kind = args.filter((arg) => ["--udp", "--framing", "dmtr"].includes(arg));
    const { port } = await startServer([...config, ...kind]);
    const ended = await runClient([...config, ...args, "--port", `${port}`, "--json"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(reportIn(ended)).toMatchObject({ completed: Number(args[args.indexOf("-i") + 1]), mismatches: 0 });
  });

  test.each(["client", "server"])("memory for 8 messages in the %s, and 32 connections", async (side) => {
    const small = join(dir, `${engine}-small.yaml`);
    writeFileSync(small, `posix:\n  engine: ${engine}\narena:\n  - { size: 4096, count: 8 }\n`);
    const config = (of: string) => ["--config", of === side ? small : engineConfig(dir, engine)];
    const { program, port } = await startServer(config("server"));
    const ended = await runClient([
      ...config("client"),
      "--port",
      `${port}`,
      "-c",
      "32",
      "-s",
      "4000",
      "-i",
      "2000",
      "--json",
    ]);
    expect(ended.code).toBe(0);
    expect(reportIn(ended)).toMatchObject({ completed: 2000, mismatches: 0 });
    expect((await program.end("SIGINT")).stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  });

  test.each(["poll", "adaptive", "interrupt"])("--loop %s on both sides", async (loop) => {
    const common = ["--loop", loop, "--config", engineConfig(dir, engine)];
    const { program, port } = await startServer(common);
    expect(await runClient([...common, "--port", `${port}`, "-i", "500"])).toMatchObject({ code: 0 });
    expect((await program.end("SIGINT")).milliseconds).toBeLessThan(5000);
  });
});

describe("what the client prints", () => {
  test("a table of latencies", async () => {
    const { port } = await startServer();
    const { stdout } = await runClient(["--port", `${port}`, "-i", "200"]);
    expect(stdout).toMatch(/^200 of 200 echoes of 64 bytes over 1 tcp connection, posix \(\w+\)$/m);
    expect(stdout).toMatch(/lost 0, late 0, mismatches 0; \d+\.\d+ s, \d+ requests\/s/);
    expect(stdout).toMatch(/latency\s+min\s+avg\s+p50\s+p99\s+p99\.9\s+max\n\s+us(\s+\d+\.\d){6}/);
  });

  test("JSON whose figures agree with each other", async () => {
    const { port } = await startServer();
    const report = reportIn(await runClient(["--port", `${port}`, "-i", "500", "--json"]));
    const { min, avg, p50, p99, p999, max } = report.latency;
    expect([min, p50, p99, p999, max]).toEqual([min, p50, p99, p999, max].toSorted((a: number, b: number) => a - b));
    expect(avg).toBeGreaterThan(min);
    expect(avg).toBeLessThan(max);
    expect(Math.abs(report.requestsPerSecond - 500 / report.seconds)).toBeLessThan(2);
    // One at a time: the round trips cannot take longer than the run, of which the histogram knows three digits.
    expect(avg * 500).toBeLessThan(report.seconds * 1e6 * 1.001);
  });

  test("progress on stderr when it takes longer than a second, and what was measured on Ctrl-C", async () => {
    const port = await tcpPeer((socket) => socket.on("data", (data) => setTimeout(() => socket.write(data), 20)));
    const client = demiEcho(["client", "--port", port, "-i", "100000", "--json"]);
    await client.prints("stderr", /[3-9]\d of 100000 echoes/);
    const ended = await client.end("SIGINT");
    expect(ended.code).toBe(130);
    expect(ended.milliseconds).toBeLessThan(5000);
    expect(ended.stderr).toMatch(/0% {2}\d+ of 100000 echoes, \d+\/s, 0 lost/);
    const report = reportIn(ended);
    expect(report).toMatchObject({ interrupted: true, mismatches: 0 });
    expect(report.completed).toBeGreaterThan(20);
    expect(report.latency.min).toBeGreaterThan(19_000);
  });
});

test("Ctrl-C while it ends by itself does not take the report along", async () => {
  // Closing hundreds of connections takes a while: some of these land in it.
  for (let milliseconds = 0; milliseconds <= 40; milliseconds += 8) {
    const sockets: Socket[] = [];
    let broken = () => {};
    const breaking = new Promise<void>((resolve) => {
      broken = resolve;
    });
    let echoes = 0;
    const port = await tcpPeer((socket) => {
      sockets.push(socket);
      socket.on("data", (data) => {
        if (++echoes < 1000) socket.write(data);
        else for (const each of sockets.splice(0)) each.resetAndDestroy();
        if (echoes === 1000) broken();
      });
    });
    const client = demiEcho(["client", "--port", port, "-c", "500", "-i", "1000000", "--json"]);
    await breaking;
    await pause(milliseconds);
    const ended = await client.end("SIGINT");
    expect(reportIn(ended)).toMatchObject({ mismatches: 0 });
  }
});

describe("--wait", () => {
  test.each(["tcp", "udp"])("waits for a server that comes later: %s", async (kind) => {
    const udp = kind === "udp" ? ["--udp"] : [];
    // A port that was somebody's a moment ago is nobody's now.
    const { program, port } = await startServer(udp);
    await program.end("SIGTERM");
    const client = demiEcho(["client", "--wait", "20s", "--port", `${port}`, "-i", "100", "--json", ...udp]);
    await client.prints("stderr", /waiting for a server at /);
    const server = demiEcho(["server", "--port", `${port}`, ...udp]);
    expect(reportIn(await client.exited)).toMatchObject({ completed: 100, lost: 0, mismatches: 0 });
    await server.end("SIGTERM");
  });

  test("gives up after its time, and says what was wrong", async () => {
    const { program, port } = await startServer();
    await program.end("SIGTERM");
    const ended = await runClient(["--wait", "300ms", "--port", `${port}`]);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/no server answered at 127\.0\.0\.1:\d+ within 0\.3 s: ECONNREFUSED/);
  });

  // Its own network has two ports to give away, so one of three tries gets that of the server.
  const hasNetworks = process.getuid?.() === 0 || process.env.CI === "true";
  (hasNetworks ? test : test.skip)(
    "does not take itself for a server, whose port the kernel gives it (needs root)",
    () => {
      const tries = [0, 1, 2].map((n) => `node "$0" client --wait 300ms --udp --port ${40_000 + (n % 2)} -i 3 --json`);
      const script = `ip link set lo up; sysctl -qw net.ipv4.ip_local_port_range="40000 40001"; ${tries.join("; ")}`;
      const { stdout, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script, cli], { encoding: "utf8" });
      expect([stdout, stderr.match(/no server answered/g)?.length]).toEqual(["", 3]);
    },
  );

  test("ends at once on Ctrl-C", async () => {
    const { program, port } = await startServer();
    await program.end("SIGTERM");
    const client = demiEcho(["client", "--wait", "60s", "--port", `${port}`, "--json"]);
    await client.prints("stderr", /waiting for a server at /);
    expect((await client.end("SIGINT")).code).toBe(130);
  });

  test.each(["10", "0s", "61m", "soon", "-1s"])("%s is no time", async (time) => {
    const ended = await runClient(["--wait", time]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/A wait is a time from 1ms to 60m/);
  });
});

describe("servers that do it wrong", () => {
  test("a flipped bit is found, and said where", async () => {
    let seen = 0;
    const port = await tcpPeer((socket) =>
      socket.on("data", (data) => {
        seen += data.length;
        if (seen >= 64 * 20 && seen - data.length < 64 * 20) data[data.length - 3] ^= 0x10;
        socket.write(data);
      }),
    );
    const ended = await runClient(["--port", port, "-i", "100", "--json"]);
    expect(ended.code).toBe(3);
    expect(reportIn(ended)).toMatchObject({ completed: 19, mismatches: 1 });
    expect(ended.stderr).toMatch(/mismatch: byte 61 of message 19 is 0x[0-9a-f]{2}, sent was 0x[0-9a-f]{2}/);
  });

  test("an answer to the message before is a mismatch", async () => {
    const port = await tcpPeer((socket) => {
      let first: Buffer | undefined;
      socket.on("data", (data) => {
        first ??= Buffer.from(data);
        socket.write(first);
      });
    });
    const ended = await runClient(["--port", port, "-i", "100", "--json"]);
    expect(ended.code).toBe(3);
    expect(reportIn(ended)).toMatchObject({ completed: 1, mismatches: 1 });
  });

  test("bytes that were never sent are a mismatch", async () => {
    const port = await tcpPeer((socket) =>
      socket.on("data", (data) => socket.write(Buffer.concat([data, Buffer.from("!")]))),
    );
    const ended = await runClient(["--port", port, "-i", "100"]);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/mismatch: 1 bytes more than the 64 of message 0/);
  });

  test("a corrupted datagram is a mismatch", async () => {
    let count = 0;
    const port = await udpPeer((socket, message, to) => {
      if (++count === 7) message[0] ^= 1;
      socket.send(message, to, "127.0.0.1");
    });
    const ended = await runClient(["--udp", "--port", port, "-i", "50", "--json"]);
    expect(ended.code).toBe(3);
    expect(reportIn(ended)).toMatchObject({ completed: 49, lost: 0, mismatches: 1 });
  });

  test("lost datagrams are counted, not sent again", async () => {
    let count = 0;
    const port = await udpPeer((socket, message, to) => {
      if (++count % 10 !== 0) socket.send(message, to, "127.0.0.1");
    });
    const ended = await runClient(["--udp", "--port", port, "-i", "100", "-c", "4", "--timeout", "400", "--json"]);
    expect(ended.code).toBe(2);
    expect(reportIn(ended)).toMatchObject({ completed: 90, lost: 10, mismatches: 0 });
    expect(count).toBe(100);
  });

  test("a late or doubled datagram is neither an echo nor a mismatch", async () => {
    let count = 0;
    const port = await udpPeer((socket, message, to) => {
      count++;
      const delay = count === 5 ? 800 : 0;
      setTimeout(() => socket.send(message, to, "127.0.0.1"), delay);
      if (count === 8) socket.send(message, to, "127.0.0.1");
    });
    // Spaced out, so that the late one comes while the client still runs, and within the messages it remembers.
    const relayed = await udpPeer((socket, message, to) => {
      const hop = createSocket("udp4").on("message", (reply) => {
        setTimeout(() => socket.send(reply, to, "127.0.0.1"), 25);
      });
      peers.push(hop);
      hop.send(message, Number(port), "127.0.0.1");
    });
    const ended = await runClient(["--udp", "--port", relayed, "-i", "40", "--timeout", "600", "--json"]);
    expect(ended.code).toBe(2);
    expect(reportIn(ended)).toMatchObject({ completed: 39, lost: 1, late: 2, mismatches: 0 });
  });

  test("nobody listens", async () => {
    const port = await tcpPeer(() => {});
    for (const peer of peers.splice(0)) await new Promise((resolve) => (peer as Server).close(resolve));
    const ended = await runClient(["--port", port]);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toBe(
      `demi-echo: tcp 127.0.0.1:${port} refused the connection: is a server listening there?\n`,
    );
  });

  test("the server hangs up half way", async () => {
    let seen = 0;
    const port = await tcpPeer((socket) =>
      socket.on("data", (data) => {
        seen += data.length;
        if (seen > 640) socket.end();
        else socket.write(data);
      }),
    );
    const ended = await runClient(["--port", port]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/closed the connection after 10 echoes/);
    expect(ended.stdout).toMatch(/^10 of 10000 echoes/);
  });

  test("the server never answers", async () => {
    const port = await tcpPeer((socket) => socket.resume());
    const ended = await runClient(["--port", port, "--timeout", "300"]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/no echo from tcp 127\.0\.0\.1:\d+ within 300 ms/);
    expect(ended.milliseconds).toBeLessThan(5000);
  });
});
