import { createSocket } from "node:dgram";
import { once } from "node:events";
import { seededRandom } from "@demikernel/bench";
import { type LibOS, openLibOS } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the targets are.
import { libos } from "./bed/addresses.mjs";
import { ask, dial, pause } from "./bed/clients.js";
import { data, echoed, faults, hash, seed } from "./bed/faulty.js";
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
const TIMEOUT = 120_000;

for (const [driver, target] of [
  ["af_packet", afPacket],
  ["af_xdp", afXdp],
]) {
  onBed(`frames lost, doubled and out of order over ${driver}`, () => withTheKernel(driver), await whyNot(target));
}

function withTheKernel(driver: string): void {
  let os: LibOS;
  let ended: Promise<void>;

  beforeAll(async () => {
    os = await openLibOS({ ...onVeth(driver), fault: faults });
    ended = os.run(echo(os, libos[4], PORT).handle);
  });

  afterAll(async () => {
    os.destroy();
    await ended;
  });

  test(
    "2 MB on each of four connections at once come back the same",
    async () => {
      const before = os.stats()["dpdk.retransmissions"];
      await Promise.all(
        [1, 2, 3, 4].map(async (own) => {
          const sent = data(2_000_000, own);
          const socket = await dial(libos[4], PORT);
          expect(hash(await echoed(socket, sent))).toBe(hash(sent));
          socket.destroy();
        }),
      );
      // A hundredth of some 5,500 segments.
      expect(os.stats()["dpdk.retransmissions"] - before).toBeGreaterThan(0);
    },
    TIMEOUT,
  );

  test(
    "messages one after the other are answered whole and in order",
    async () => {
      const socket = await dial(libos[4], PORT);
      for (let i = 0; i < 300; i++) {
        const message = `${i} `.repeat(1 + (i % 50));
        expect(await ask(socket, message)).toBe(message);
      }
      socket.destroy();
    },
    TIMEOUT,
  );

  test(
    "datagrams arrive whole or not at all, fragmented ones too",
    async () => {
      const socket = createSocket("udp4");
      socket.bind(0);
      await once(socket, "listening");
      // By their number, which is in the first four bytes.
      const sent = new Map<number, Buffer>();
      const arrived = new Map<number, number>();
      const wrong: number[] = [];
      socket.on("message", (message) => {
        const n = message.length >= 4 ? message.readUInt32BE() : -1;
        if (!sent.get(n)?.equals(message)) wrong.push(n);
        arrived.set(n, (arrived.get(n) ?? 0) + 1);
      });
      // What comes over af_packet in fragments is cut there, see LIMITS.md.
      const sizes = driver === "af_packet" ? [4, 60, 700, 1472] : [4, 60, 700, 1472, 3000];
      const random = seededRandom(seed);
      for (let n = 0; n < 1000; n++) {
        const message = data(sizes[Math.floor(random() * sizes.length)], n);
        message.writeUInt32BE(n);
        sent.set(n, message);
        socket.send(message, PORT, libos[4]);
        if (n % 20 === 0) await pause(2);
      }
      for (let i = 0; i < 50; i++) await pause(10);
      socket.close();
      expect(wrong).toEqual([]);
      // Lost on the way there or back: two in a hundred, of those in fragments more; and doubled as many.
      expect(arrived.size).toBeGreaterThan(850);
      expect(arrived.size).toBeLessThan(1000);
      expect(Math.max(...arrived.values())).toBeGreaterThan(1);
    },
    TIMEOUT,
  );
}

onBed(
  "one frame lost",
  () => {
    test("is sent again once, which stats() counts", async () => {
      const os = await openLibOS({ ...onVeth("af_packet"), fault: "lose-sent=100" });
      const ended = os.run(echo(os, libos[4], PORT).handle);
      const socket = await dial(libos[4], PORT);
      // The hundredth answer is lost, and sent again as the first of the next hundred.
      for (let i = 0; i < 150; i++) {
        expect(await ask(socket, `message ${i}`)).toBe(`message ${i}`);
        if (i === 98) expect(os.stats()["dpdk.retransmissions"]).toBe(0);
      }
      expect(os.stats()["dpdk.retransmissions"]).toBe(1);
      socket.destroy();
      os.destroy();
      await ended;
    }, 60_000);
  },
  await whyNot(afPacket),
);
