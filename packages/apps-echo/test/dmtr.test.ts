/**
 * The dmtr framing from outside: bytes on a socket, written by hand after the C++ Demikernel's layout, well formed and hostile.
 *
 * Header: magic 0x10102010, bytes, segments; each segment: length, data. All numbers are u32, big-endian; "bytes" counts the segment
 * lengths and the data.
 */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { usableEngines } from "./engines.js";
import { endAll, engineConfig, pause, type RunningServer, startServer, temporaryDirectory, until } from "./program.js";

const dir = temporaryDirectory();
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await endAll();
});

function u32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    out.writeUInt32BE(value, i * 4);
  });
  return out;
}

const MAGIC = 0x10102010;

function message(...segments: Buffer[]): Buffer {
  const body = segments.flatMap((segment) => [u32(segment.length), segment]);
  return Buffer.concat([u32(MAGIC, Buffer.concat(body).length, segments.length), ...body]);
}

/** A connection, and what has come back on it. */
class Peer {
  received = Buffer.alloc(0);
  ended = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    sockets.push(this.socket);
    this.socket.on("data", (data) => {
      this.received = Buffer.concat([this.received, data]);
    });
    this.socket
      .on("error", () => {})
      .on("close", () => {
        this.ended = true;
      });
  }

  async echo(data: Buffer): Promise<void> {
    this.received = Buffer.alloc(0);
    this.socket.write(data);
    await until(() => this.received.length >= data.length || this.ended);
    expect(this.received.equals(data)).toBe(true);
  }
}

describe.each(usableEngines())("framed messages over the posix engine %s", (engine) => {
  const start = (args: string[] = []) =>
    startServer(["--framing", "dmtr", "--config", engineConfig(dir, engine), ...args]);

  test("segments come back as they were sent", async () => {
    const { port } = await start();
    const peer = new Peer(port);
    await peer.echo(message(Buffer.from("one")));
    await peer.echo(message(Buffer.from("one"), Buffer.from("two"), Buffer.from("three")));
    await peer.echo(message(...Array.from({ length: 16 }, (_, i) => randomBytes(1 + i * 100))));
    await peer.echo(message(randomBytes(200_000), randomBytes(1), randomBytes(300_000)));
    await peer.echo(message(Buffer.from("before"), Buffer.alloc(0), Buffer.from("after")));
  });

  test("a message that arrives byte by byte is one message", async () => {
    const { program, port } = await start();
    const peer = new Peer(port);
    const bytes = message(Buffer.from("slow"), Buffer.from("peer"));
    for (const byte of bytes) {
      peer.socket.write(Buffer.of(byte));
      await pause(2);
    }
    expect(await until(() => peer.received.length === bytes.length)).toBe(true);
    expect(peer.received.equals(bytes)).toBe(true);
    expect((await program.end("SIGINT")).stdout).toMatch(/served 1 connections, 1 messages, 8 bytes/);
  });

  test("messages that arrive in one piece stay apart", async () => {
    const { program, port } = await start();
    const peer = new Peer(port);
    const messages = Array.from({ length: 300 }, (_, i) => message(randomBytes(1 + ((i * 37) % 900))));
    await peer.echo(Buffer.concat(messages));
    expect((await program.end("SIGINT")).stdout).toMatch(/served 1 connections, 300 messages/);
  });

  const hostile: Record<string, Buffer> = {
    "a wrong magic number": Buffer.concat([u32(0x10102011, 8, 1), u32(4), Buffer.from("evil")]),
    "plain text": Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a length of 4 GiB": u32(MAGIC, 0xffff_ffff, 1),
    "a length above the limit": u32(MAGIC, (1 << 20) + 5, 1, (1 << 20) + 1),
    "a length of 2 GiB": u32(MAGIC, 0x8000_0000, 1, 0x7fff_fffc),
    "4 billion segments": u32(MAGIC, 1000, 0xffff_ffff),
    "17 segments": Buffer.concat([message(...Array.from({ length: 17 }, () => Buffer.from("x")))]),
    "a message without a byte": message(Buffer.alloc(0)),
    "no segments": u32(MAGIC, 0, 0),
    "no segments but bytes": Buffer.concat([u32(MAGIC, 100, 0), Buffer.alloc(100)]),
    "a segment longer than the message": Buffer.concat([u32(MAGIC, 8, 1, 400), Buffer.alloc(400)]),
    "a segment of 4 GiB": Buffer.concat([u32(MAGIC, 8, 1, 0xffff_ffff), Buffer.alloc(4)]),
    "segments shorter than the message": Buffer.concat([u32(MAGIC, 100, 1, 4), Buffer.alloc(96)]),
    "a second segment that does not fit": Buffer.concat([
      u32(MAGIC, 16, 2, 4),
      Buffer.alloc(4),
      u32(5000),
      Buffer.alloc(4),
    ]),
    "lengths that wrap around 32 bits": Buffer.concat([u32(MAGIC, 8, 2, 0xffff_fffc), Buffer.alloc(8)]),
  };

  test.each(Object.entries(hostile))("%s ends that connection and no other", async (_, bytes) => {
    const { program, port } = await start();
    const good = new Peer(port);
    await good.echo(message(Buffer.from("before")));
    const bad = new Peer(port);
    bad.socket.write(bytes);
    expect(await until(() => bad.ended)).toBe(true);
    expect(bad.received.length).toBe(0);
    await good.echo(message(Buffer.from("after")));
    await endClean(program);
  });

  test("a megabyte announced by 200 peers and never sent costs no memory", async () => {
    const { program, port } = await start();
    const good = new Peer(port);
    await good.echo(message(Buffer.from("before")));
    const before = residentKiB(program.child.pid as number);
    const silent = Array.from({ length: 200 }, () => new Peer(port));
    for (const peer of silent) peer.socket.write(u32(MAGIC, 4 + 1_000_000, 1, 1_000_000));
    await pause(500);
    expect(residentKiB(program.child.pid as number) - before).toBeLessThan(32 * 1024);
    await good.echo(message(Buffer.from("after")));
    await good.echo(message(randomBytes(3000)));
    await endClean(program);
  });

  test("malformed datagrams are dropped, the next is served", async () => {
    const { program, port } = await start(["--udp"]);
    const socket = createSocket("udp4");
    const replies: Buffer[] = [];
    socket.on("message", (reply) => replies.push(reply));
    for (const bytes of Object.values(hostile)) socket.send(bytes, port, "127.0.0.1");
    const good = message(Buffer.from("good"), Buffer.from("datagram"));
    // Whole but for the last byte: a datagram is never continued by the next.
    socket.send(good.subarray(0, -1), port, "127.0.0.1");
    socket.send(good, port, "127.0.0.1");
    await until(() => replies.length > 0, 3000);
    socket.close();
    expect(replies).toEqual([good]);
    await endClean(program);
  });
});

async function endClean(program: RunningServer["program"]): Promise<void> {
  const ended = await program.end("SIGINT");
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
}

function residentKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
