import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type LibOS, openLibOS, type QueueDescriptor } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the targets are.
import { libos, peer } from "./bed/addresses.mjs";
// @ts-expect-error: as above
import { run, scratch } from "./bed/bed.mjs";
import { ask, askDatagram, dial, pause, shell } from "./bed/clients.js";
import { onBed, whyNot } from "./bed/on-bed.js";
// @ts-expect-error: as above
import { echo } from "./programs/echo.mjs";
// @ts-expect-error: as above
import { target as afPacket } from "./targets/af-packet.mjs";
// @ts-expect-error: as above
import { target as afXdp } from "./targets/af-xdp.mjs";
// @ts-expect-error: as above
import { onVeth } from "./targets/veth.mjs";

const PORT = 7;
/** What goes through nc and back at once; both drivers also have the bulk in one direction. */
const MEGABYTES: Record<string, number> = { af_packet: 200, af_xdp: 50 };
/** Counters of frames and fragments that were not used. */
const REFUSED = /frag|reass|trunc|framesDropped|receiveErrors/i;

for (const [driver, target] of [
  ["af_packet", afPacket],
  ["af_xdp", afXdp],
]) {
  onBed(`foreign peers over ${driver}`, () => peersOver(driver), await whyNot(target));
}

function peersOver(driver: string): void {
  let os: LibOS;
  let ended: Promise<void>;

  beforeAll(async () => {
    os = await openLibOS(onVeth(driver));
    const servers = [echo(os, libos[4], PORT), echo(os, libos[6], PORT)];
    const queues = new Map(servers.map((server) => [server.datagrams, server]));
    ended = os.run((event) => (queues.get(event.qd) ?? servers[0]).handle(event));
  });

  afterAll(async () => {
    os.destroy();
    await ended;
  });

  /** The echo goes on; what remains open of it are its two listeners and two datagram sockets. */
  async function quiet(): Promise<void> {
    // Ends of connections get lost in a burst of them, and are sent again after a second or two.
    for (let i = 0; i < 2000 && os.stats().queues > 4; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(os.stats().queues).toBe(4);
  }

  // First, because the stack's own ARP table is cold only once.
  test("1,000 connections at once from the kernel, with cold ARP tables", async () => {
    run("ip", "neighbour", "flush", "dev", "dk1");
    const sockets = await Promise.all(Array.from({ length: 1000 }, () => dial(libos[4], PORT)));
    const answers = await Promise.all(sockets.map((socket, i) => ask(socket, `I am ${i}`)));
    expect(answers).toEqual(sockets.map((_, i) => `I am ${i}`));
    for (const socket of sockets) socket.destroy();
    await quiet();
  }, 60_000);

  test.each([4, 6] as const)("ping, IPv%d", async (family) => {
    const said = await shell(`ping -c 5 -i 0.1 -W 2 ${libos[family]}`);
    expect(said).toMatch(/5 packets transmitted, 5 received/);
  });

  test("ping with the largest packet that fits", async () => {
    expect(await shell(`ping -c 2 -i 0.1 -W 2 -M do -s 1472 ${libos[4]}`)).toMatch(/ 2 received/);
  });

  test.each([4, 6] as const)("nc sends a text, shuts down and gets it back, IPv%d", async (family) => {
    expect(await shell(`printf 'line one\\nline two\\n' | nc -N -w 10 ${libos[family]} ${PORT}`)).toBe(
      "line one\nline two\n",
    );
    await quiet();
  });

  test("nc gets a datagram back", async () => {
    expect(await shell(`printf datagram | nc -u -w 5 -W 1 ${libos[4]} ${PORT}`)).toBe("datagram");
  });

  const megabytes = MEGABYTES[driver];
  test(`${megabytes} MB through nc come back the same`, async () => {
    const file = scratch("bulk");
    await pipeline(
      Readable.from(
        (function* () {
          for (let i = 0; i < megabytes; i++) yield randomBytes(1_000_000);
        })(),
      ),
      createWriteStream(file),
    );
    const sent = await shell(`sha256sum < ${file}`);
    const start = performance.now();
    const back = await shell(`nc -N -w 20 ${libos[4]} ${PORT} < ${file} | sha256sum`);
    process.stderr.write(`${driver}: ${megabytes} MB there and back in ${Math.round(performance.now() - start)} ms\n`);
    await rm(file);
    expect(back).toBe(sent);
    await quiet();
  }, 180_000);

  test("bulk in one direction: 50 MB to a program of the kernel's, 50 MB from it", async () => {
    const size = 50_000_000;
    const sink = shell(`nc -l -w 20 ${peer[4]} 5001 | wc -c`);
    const out = await connected(5001);
    const block = Buffer.alloc(500_000, "b");
    for (let sent = 0; sent < size; sent += block.length) await os.async.push(out, os.sga.from(block), { free: true });
    os.close(out);
    expect(Number(await sink)).toBe(size);

    const source = shell(`head -c ${size} /dev/zero | nc -N -l -w 20 ${peer[4]} 5002`);
    const back = await connected(5002);
    let got = 0;
    for await (const sga of os.async.messages(back)) got += os.sga.length(sga);
    os.close(back);
    await source;
    expect(got).toBe(size);
    await quiet();
  }, 120_000);

  /** Connects out, as soon as somebody listens there. */
  async function connected(port: number): Promise<QueueDescriptor> {
    for (let tries = 0; ; tries++) {
      const qd = os.socket("tcp");
      try {
        await os.async.connect(qd, { host: peer[4], port });
        return qd;
      } catch (error) {
        os.close(qd);
        if ((error as { code?: string }).code !== "ECONNREFUSED" || tries === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  test.each([4, 6] as const)("datagrams of all sizes up to the MTU, IPv%d", async (family) => {
    const largest = 1500 - (family === 4 ? 28 : 48);
    for (const size of [1, 2, 17, 18, 19, 63, 64, 512, 1023, 1400, largest - 1, largest]) {
      const data = randomBytes(size);
      expect((await askDatagram(libos[family], PORT, data))?.equals(data)).toBe(true);
    }
  });

  // Over af_packet the kernel puts IPv4 fragments together before DPDK sees them, and cuts off what is longer than a frame.
  test.each([4, 6] as const)(
    "fragments come back whole, or a counter says they were refused, IPv%d",
    async (family) => {
      for (const size of [1473, 3000, 8000, 14_000, 30_000, 65_487]) {
        const data = randomBytes(size);
        const before = os.stats();
        const answer = await askDatagram(libos[family], PORT, data);
        if (answer !== undefined) {
          expect(answer.equals(data)).toBe(true);
          continue;
        }
        const after = os.stats();
        const moved = Object.keys(after).filter((name) => REFUSED.test(name) && after[name] > (before[name] ?? 0));
        expect({ size, moved }).not.toEqual({ size, moved: [] });
      }
      // Whatever became of those, the next whole datagram is served.
      expect((await askDatagram(libos[family], PORT, Buffer.from("after it")))?.toString()).toBe("after it");
    },
  );

  test("a peer that is killed in the middle of its transfer harms nobody else", async () => {
    const good = await dial(libos[4], PORT);
    for (let i = 0; i < 5; i++) {
      await shell(`timeout -s KILL 0.3 nc ${libos[4]} ${PORT} < /dev/zero > /dev/null; [ $? -eq 137 ]`);
      expect(await ask(good, `still here ${i}`)).toBe(`still here ${i}`);
    }
    good.destroy();
    await quiet();
  });

  // The peer says nothing that would give its new address away. Over one driver, as no driver knows of neighbours.
  const families = driver === "af_packet" ? ([4, 6] as const) : [];
  for (const family of families) {
    test(`a neighbour whose MAC changes is found again, though only this side speaks, IPv${family}`, async () => {
      let heard = "";
      const server = createServer((socket) => {
        socket.on("data", (data) => {
          heard += data;
        });
        socket.on("error", () => undefined);
      });
      server.listen(0, peer[family]);
      await once(server, "listening");
      const hears = async (text: string) => {
        for (let i = 0; i < 1500 && heard !== text; i++) await pause(10);
        expect(heard).toBe(text);
      };
      const qd = os.socket("tcp", { family });
      await os.async.connect(qd, { host: peer[family], port: (server.address() as AddressInfo).port });
      await os.async.push(qd, os.sga.from("before"), { free: true });
      await hears("before");
      try {
        run("ip", "link", "set", "dev", "dk1", "address", "02:00:00:00:07:31");
        await os.async.push(qd, os.sga.from(" after"), { free: true });
        await hears("before after");
      } finally {
        run("ip", "link", "set", "dev", "dk1", "address", peer.mac);
      }
      await os.async.push(qd, os.sga.from(" again"), { free: true });
      await hears("before after again");
      os.close(qd);
      server.close();
      await quiet();
    }, 60_000);
  }

  test.each([
    ["192.0.2.77", 4],
    ["2001:db8::77", 6],
  ] as const)("%s, where there is no way to, is ENETUNREACH at once", async (host, family) => {
    const qd = os.socket("tcp", { family });
    const begun = performance.now();
    await expect(os.async.connect(qd, { host, port: 9 })).rejects.toMatchObject({ code: "ENETUNREACH" });
    expect(performance.now() - begun).toBeLessThan(1000);
    os.close(qd);
    await quiet();
  });

  test("a port that is listened on is taken, by whatever address it is named", async () => {
    const listener = os.socket("tcp");
    os.bind(listener, { host: libos[4], port: 9090 });
    os.listen(listener);
    for (const host of [libos[4], "0.0.0.0"]) {
      const qd = os.socket("tcp");
      expect(() => os.bind(qd, { host, port: 9090 })).toThrow(/EADDRINUSE/);
      os.bind(qd, { host, port: 9091 });
      os.close(qd);
    }
    os.close(listener);
    await quiet();
  });

  test("resets, half-closes and silences of the kernel's sockets leave nothing behind", async () => {
    for (const moment of ["idle", "sending", "not reading", "half-closed", "at once"]) {
      const socket = await dial(libos[4], PORT);
      socket.on("error", () => undefined);
      if (moment === "sending") socket.write("x".repeat(100_000));
      if (moment === "not reading") {
        socket.pause();
        socket.write("y".repeat(4 << 20));
      }
      if (moment === "half-closed") socket.end("z");
      if (moment !== "at once") await new Promise((resolve) => setTimeout(resolve, 50));
      socket.resetAndDestroy();
    }
    await quiet();
  });
}
