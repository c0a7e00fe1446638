/** The server against programs that are not ours: nc, and TCP peers that behave badly. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { demiEcho, endAll, Program, pause, startServer } from "./program.js";

afterEach(endAll);

const sha256 = (data: string | Buffer) =>
  createHash("sha256")
    .update(data as Buffer)
    .digest("hex");

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Resolves when the peer has closed, whether with FIN or RST. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) =>
    socket
      .on("error", () => {})
      .on("close", () => resolve())
      .resume(),
  );
}

describe("demi-echo server", () => {
  test("echoes what nc sends over TCP", async () => {
    const { program, port } = await startServer();
    const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", `${port}`], { input: "hello, queue\n" }).exited;
    expect(nc).toMatchObject({ code: 0, stdout: "hello, queue\n" });
    const ended = await program.end("SIGINT");
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/served 1 connections, 1 messages, 13 bytes, \d+\.\d\d s of CPU/);
    expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding operations/);
  });

  test("echoes a megabyte that nc sends at once, in order and whole", async () => {
    const { program, port } = await startServer();
    const input = randomBytes(1 << 20);
    const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", `${port}`], { input }).exited;
    expect(nc.code).toBe(0);
    expect(sha256(Buffer.from(nc.stdout, "latin1"))).toBe(sha256(input));
    expect((await program.end("SIGTERM")).stdout).toMatch(/1048576 bytes/);
  });

  test("echoes what nc sends over UDP", async () => {
    const { program, port } = await startServer(["--udp"]);
    const nc = await new Program("nc", ["-u", "-w", "1", "127.0.0.1", `${port}`], { input: "a datagram" }).exited;
    expect(nc.stdout).toBe("a datagram");
    expect((await program.end("SIGINT")).stdout).toMatch(/served 1 messages, 10 bytes/);
  });

  test("listens on IPv6", async () => {
    const { program, port } = await startServer(["--host", "::1"]);
    expect(program.stdout).toMatch(/^listening on \[::1\]:\d+ \(posix/);
    const nc = await new Program("nc", ["-6", "-N", "-w", "5", "::1", `${port}`], { input: "six" }).exited;
    expect(nc.stdout).toBe("six");
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "ends within a second of %s under load, with nothing left open",
    async (signal) => {
      const { program, port } = await startServer();
      const load = demiEcho(["client", "--port", `${port}`, "-c", "32", "-i", "1000000000"]);
      await load.prints("stderr", /[1-9]\d{3,} of 1000000000 echoes/);
      const ended = await program.end(signal);
      expect(ended.code).toBe(0);
      expect(ended.milliseconds).toBeLessThan(5000);
      expect(ended.stdout).toMatch(/served 32 connections/);
      expect(Number(/(\d+) messages/.exec(ended.stdout)?.[1])).toBeGreaterThan(1000);
      expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding operations/);
      const client = await load.exited;
      expect(client.code).toBe(1);
      expect(client.stderr).toMatch(/closed the connection|broke: ECONNRESET|broke: EPIPE/);
    },
  );

  test("does not read from a peer that does not read, and serves the others", async () => {
    const { program, port } = await startServer();
    const before = residentKiB(program.child.pid as number);
    const deaf = connect(port, "127.0.0.1").on("error", () => {});
    deaf.pause();
    const chunk = Buffer.alloc(1 << 20, 1);
    const total = 128;
    for (let i = 0; i < total; i++) deaf.write(chunk);
    await pause(1500);
    // What the kernel's buffers took, and nothing beyond: 128 MiB would mean that the server swallows it.
    expect(deaf.writableLength).toBeGreaterThan((total / 2) * chunk.length);
    expect(residentKiB(program.child.pid as number) - before).toBeLessThan(32 * 1024);
    const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", `${port}`], { input: "still here" }).exited;
    expect(nc.stdout).toBe("still here");
    deaf.destroy();
    expect((await program.end("SIGINT")).stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  });

  test("survives peers that reset, half-close and vanish", async () => {
    const { program, port } = await startServer();
    for (let i = 0; i < 100; i++) {
      const peer = connect(port, "127.0.0.1").on("error", () => {});
      await new Promise<void>((resolve) => peer.on("connect", () => resolve()));
      peer.write(randomBytes(1 + (i % 5) * 10_000));
      if (i % 3 === 0) peer.resetAndDestroy();
      else if (i % 3 === 1) peer.destroy();
      else {
        peer.end();
        await closed(peer);
      }
    }
    const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", `${port}`], { input: "still here" }).exited;
    expect(nc.stdout).toBe("still here");
    const ended = await program.end("SIGINT");
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/served 101 connections/);
    expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  });

  test("says that the port is taken", async () => {
    const { port } = await startServer();
    const second = await demiEcho(["server", "--port", `${port}`]).exited;
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/cannot listen on tcp 127\.0\.0\.1:\d+: EADDRINUSE.*another program has the port/);
  });
});

describe("bad values are named", () => {
  test.each([
    [["server", "--port", "65536"], /--port.*A port is a whole number from 0 to 65535, not "65536"/],
    [["server", "--port", "http"], /--port.*not "http"/],
    [["server", "--host", "example.org"], /numeric IPv4 or IPv6 address.*not "example.org"/],
    [["server", "--host", "192.0.2.1", "--port", "0"], /EADDRNOTAVAIL.*does not have the address/],
    [["server", "--framing", "xml"], /--framing.*Allowed choices are stream, dmtr/],
    [["server", "--loop", "fast"], /--loop.*Allowed choices are poll, adaptive, interrupt/],
    [["server", "--libos", "abacus"], /"abacus" is not installed/],
    [["server", "--config", "/nonexistent.yaml"], /ENOENT.*\/nonexistent\.yaml/],
    [["client", "--port", "0"], /from 1 to 65535, not "0"/],
    [["client", "--size", "0"], /A size is a whole number from 1 to 1048576, not "0"/],
    [["client", "--size", "1e3"], /not "1e3"/],
    [["client", "--udp", "--size", "65508"], /a datagram has at most 65507 bytes here, --size asks for 65508/],
    [["client", "--udp", "--framing", "dmtr", "--size", "65507"], /at most 65491 bytes/],
    [["client", "--iterations", "-1"], /Iterations is a whole number|argument missing/],
    [["client", "--clients", "10001"], /Clients is a whole number from 1 to 10000/],
    [["relay"], /required option '--to <host:port>'/],
    [["relay", "--to", "127.0.0.1"], /HOST:PORT or \[IPV6\]:PORT/],
    [["relay", "--to", "[::1]:99999"], /not "99999"/],
    [["serve"], /unknown command 'serve'/],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await demiEcho(args).exited;
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /); // a sentence, no stack
    expect(code).toBe(1);
    expect(stdout).toBe("");
  });

  test("--help names every command, and each command's help its options", async () => {
    const help = await demiEcho(["--help"]).exited;
    expect(help.code).toBe(0);
    for (const command of ["server", "client", "relay", "bench"])
      expect(help.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect((await demiEcho(["client", "--help"]).exited).stdout).toMatch(/Exit codes: 0 .* 3 wrong bytes/);
  });
});
