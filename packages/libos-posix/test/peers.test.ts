import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { engines, open, server } from "./engines.js";

/** Echoes on every connection, in the background, until the libOS is destroyed; the codes of connections that failed. */
function echo(os: LibOS, listener: QueueDescriptor): string[] {
  const failures: string[] = [];
  const serve = async (qd: QueueDescriptor) => {
    try {
      for await (const sga of os.async.messages(qd)) await os.async.push(qd, sga);
    } catch (error) {
      failures.push((error as { code: string }).code);
    }
    if (!os.closed) os.close(qd);
  };
  void (async () => {
    try {
      for await (const qd of os.async.connections(listener)) void serve(qd);
    } catch {
      // destroyed
    }
  })();
  return failures;
}

async function dial(port: number, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect(port, host);
  await once(socket, "connect");
  return socket;
}

async function output(child: ChildProcess): Promise<string> {
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  await once(child, "close");
  return text;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until the condition holds; the test's own time is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1);
}

describe.each(engines)("%s and foreign peers", (engine) => {
  test.each([4, 6] as const)("nc sends a text, shuts down and gets it back (IPv%d)", async (family) => {
    const { os, listener, port } = await server(engine, family);
    echo(os, listener);
    const nc = spawn("nc", ["-N", family === 6 ? "::1" : "127.0.0.1", String(port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const got = output(nc);
    nc.stdin?.end("line one\nline two\n");
    expect(await got).toBe("line one\nline two\n");
    os.destroy();
  });

  test("nc gets a datagram back", async () => {
    const os = await open(engine);
    const qd = os.socket("udp");
    os.bind(qd, { host: "127.0.0.1", port: 0 });
    const nc = spawn("nc", ["-u", "-W", "1", "127.0.0.1", String(os.getsockname(qd).port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const got = output(nc);
    nc.stdin?.write("datagram");
    const sga = await os.async.pop(qd);
    expect(os.sga.copy(sga).toString()).toBe("datagram");
    expect(os.sga.address(sga)).toMatchObject({ host: "127.0.0.1", family: 4 });
    await os.async.pushTo(qd, sga);
    expect(await got).toBe("datagram");
    nc.kill();
    os.destroy();
  });

  test("a peer that resets in the middle of anything harms only its own connection", async () => {
    const { os, listener, port } = await server(engine);
    const failures = echo(os, listener);
    const good = await dial(port);
    for (const moment of ["idle", "after sending", "not reading", "half-closed", "at once"]) {
      const bad = connect(port, "127.0.0.1");
      bad.on("error", () => undefined);
      if (moment !== "at once") {
        await once(bad, "connect");
        bad.pause();
        if (moment === "after sending") bad.write("x".repeat(1000));
        if (moment === "not reading") bad.write("y".repeat(4 << 20));
        if (moment === "half-closed") bad.end("z");
        // So that the moment is what its name says, most of the time; nothing is concluded from it.
        await pause(30);
        bad.resetAndDestroy();
      } else {
        bad.destroy();
      }
      good.write(moment);
      const [answer] = await once(good, "data");
      expect(String(answer)).toBe(moment);
    }
    // The listener and the good one.
    await until(() => os.stats().queues === 2 && failures.length >= 2);
    for (const code of failures) expect(["ECONNRESET", "EPIPE"]).toContain(code);
    good.destroy();
    os.destroy();
  });

  test("a peer that sends and never reads is held back while others are served", async () => {
    const { os, listener, port } = await server(engine);
    echo(os, listener);
    const greedy = await dial(port);
    greedy.pause();
    const block = Buffer.alloc(1 << 20, "g");
    for (let i = 0; i < 32; ++i) greedy.write(block);
    const good = await dial(port);
    for (let i = 0; i < 200; ++i) {
      good.write(`ping ${i}`);
      const [answer] = await once(good, "data");
      expect(String(answer)).toBe(`ping ${i}`);
      // 32 MiB are on their way; a slot under way, and what a receive had ready, is all that is kept here.
      const { appSlots, deviceSlots } = os.stats();
      expect(appSlots + deviceSlots).toBeLessThan(512);
    }
    expect(greedy.bytesWritten - greedy.writableLength).toBeLessThan(24 << 20);
    greedy.destroy();
    good.destroy();
    os.destroy();
  });

  test("a megabyte to a peer that reads slowly arrives whole", async () => {
    const { os, listener, port } = await server(engine);
    const accepted = os.async.accept(listener);
    const slow = await dial(port);
    slow.pause();
    const qd = await accepted;
    const sent = Buffer.alloc(1 << 20);
    for (let i = 0; i < sent.length; ++i) sent[i] = (i * 31) >> 3;
    const pushes = [1, 2, 3, 4].map(() => os.async.push(qd, os.sga.from(sent), { free: true }));
    let received = 0;
    slow.on("data", (chunk) => {
      for (let i = 0; i < chunk.length; ++i, ++received) {
        if (chunk[i] !== sent[received % sent.length]) throw new Error(`byte ${received} differs`);
      }
      slow.pause();
      setTimeout(() => slow.resume(), 1);
    });
    slow.resume();
    expect(await Promise.all(pushes)).toEqual([1 << 20, 1 << 20, 1 << 20, 1 << 20]);
    os.close(qd);
    await once(slow, "end");
    expect(received).toBe(4 << 20);
    slow.destroy();
    os.destroy();
  });

  test("a refused connect says so, and the socket may try again", async () => {
    const { os, listener, port } = await server(engine);
    os.close(listener);
    const qd = os.socket("tcp");
    await expect(os.async.connect(qd, { host: "127.0.0.1", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const again = os.socket("tcp");
    os.bind(again, { host: "127.0.0.1", port });
    os.listen(again);
    await os.async.connect(qd, { host: "127.0.0.1", port });
    os.destroy();
  });
});
