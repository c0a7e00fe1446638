import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openLibOS, type QueueDescriptor, type Sga } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the targets are.
import { libos, peer, prefix } from "./bed/addresses.mjs";
// @ts-expect-error: as above
import { link, run } from "./bed/bed.mjs";
import { ask, dial, pause, shell } from "./bed/clients.js";
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
const program = fileURLToPath(new URL("programs/echo-server.mjs", import.meta.url));

/** A process with an echo server; resolves when it serves. */
async function server(driver: string, end: "signal" | "exit" | "throw"): Promise<ChildProcess> {
  const child = fork(program, [JSON.stringify({ ...onVeth(driver), from: undefined }), end], {
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  let said = "";
  child.stderr?.on("data", (data) => {
    said += data;
  });
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`the server ended with ${code}: ${said}`);
  });
  gone.catch(() => undefined);
  await Promise.race([once(child, "message"), gone]);
  return child;
}

/** What processes of DPDK might leave behind on this machine: files of huge pages, sockets. */
function traces(): string[] {
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n");
  const hugePages = mounts.filter((line) => line.split(" ")[2] === "hugetlbfs").map((line) => line.split(" ")[1]);
  const folders = [...hugePages, process.env.DEMI_BED_FOLDER as string];
  return folders.flatMap((folder) =>
    (readdirSync(folder, { recursive: true }) as string[]).map((name) => `${folder}/${name}`),
  );
}

for (const [driver, target] of [
  ["af_packet", afPacket],
  ["af_xdp", afXdp],
]) {
  // In separate processes, so that this one's EAL is no part of what is looked at.
  onBed(`the end of a process over ${driver}`, () => endsOver(driver), await whyNot(target));
}

function endsOver(driver: string): void {
  const served = async () => {
    const socket = await dial(libos[4], PORT);
    socket.on("error", () => undefined);
    expect(await ask(socket, "served")).toBe("served");
    return socket;
  };

  test.each([
    ["SIGINT", "signal", 130],
    ["process.exit()", "exit", 0],
    ["an uncaught error", "throw", 1],
  ] as const)("%s with connections open leaves nothing behind", async (_, end, expected) => {
    const before = traces();
    const child = await server(driver, end);
    const socket = await served();
    const exit = once(child, "exit");
    if (end === "signal") child.kill("SIGINT");
    else child.send("end");
    expect(await exit).toEqual([expected, null]);
    socket.destroy();
    expect(link("dk0").xdp).toBeUndefined();
    expect(link("dk0").mtu).toBe(1500);
    expect(traces()).toEqual(before);
  });

  test("after SIGKILL the next process serves all the same", async () => {
    for (let i = 0; i < 3; i++) {
      const child = await server(driver, "exit");
      (await served()).destroy();
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    }
    const child = await server(driver, "exit");
    (await served()).destroy();
    const exit = once(child, "exit");
    child.send("end");
    await exit;
    expect(link("dk0").xdp).toBeUndefined();
  });
}

onBed(
  "a libOS on af_packet",
  () => {
    test("a link that goes down and up again: what was sent meanwhile arrives, new connections come", async () => {
      const os = await openLibOS(onVeth("af_packet"));
      const ended = os.run(echo(os, libos[4], PORT).handle);
      const socket = await dial(libos[4], PORT);
      expect(await ask(socket, "before")).toBe("before");
      run("ip", "link", "set", "dk1", "down");
      await pause(300);
      const answer = ask(socket, "meanwhile");
      await pause(300);
      run("ip", "link", "set", "dk1", "up");
      // The kernel takes IPv6 addresses away with the link.
      run("ip", "address", "replace", prefix(peer, 6), "dev", "dk1", "nodad");
      expect(await answer).toBe("meanwhile");
      expect(await ask(await dial(libos[4], PORT), "after")).toBe("after");
      socket.destroy();
      os.destroy();
      await ended;
    }, 60_000);

    test("while nothing is awaited, peers are answered and what was pushed arrives", async () => {
      const os = await openLibOS(onVeth("af_packet"));
      const listener = os.socket("tcp");
      os.bind(listener, { host: libos[4], port: PORT });
      os.listen(listener);
      expect(await shell(`ping -c 2 -i 0.1 -W 2 ${libos[4]}`)).toMatch(/ 2 received/);
      const socket = await dial(libos[4], PORT); // nobody accepts, but the stack does
      const token = os.accept(listener);
      await pause(100);
      const accepted = os.poll(token);
      const qd = accepted?.newQd ?? (0 as QueueDescriptor);
      expect(qd).toBeGreaterThan(0);
      // More than the two windows hold: without acknowledgements it would not arrive.
      const received = new Promise<number>((resolve) => {
        let bytes = 0;
        socket.on("data", (data) => {
          bytes += data.length;
          if (bytes === 2_000_000) resolve(bytes);
        });
      });
      const sga = os.alloc(50_000);
      const pushes = Array.from({ length: 40 }, () => os.push(qd, sga));
      expect(await received).toBe(2_000_000);
      await pause(100);
      expect(pushes.map((push) => os.poll(push)?.result)).toEqual(pushes.map(() => 50_000));
      socket.destroy();
      os.destroy();
    }, 60_000);

    test("all memory held by the application: peers wait, and go on when some are freed", async () => {
      // Little else to copy into when the receive buffers get scarce.
      const arena = [
        { size: 4096, count: 64 },
        { size: 65536, count: 16 },
      ];
      const os = await openLibOS({ ...onVeth("af_packet"), mbufs: 1024, arena });
      const listener = os.socket("tcp");
      os.bind(listener, { host: libos[4], port: PORT });
      os.listen(listener);
      const accepting = [os.async.accept(listener), os.async.accept(listener)];
      const peers = [await dial(libos[4], PORT), await dial(libos[4], PORT)];
      const queues = await Promise.all(accepting);
      const size = 4_000_000;
      for (const socket of peers) socket.write(Buffer.alloc(size, "m"));
      // Take until nothing comes for a while: either the pool is empty or the peers' windows are closed.
      const held: Sga[] = [];
      const got = queues.map(() => 0);
      const keep = (i: number, sga: Sga) => {
        held.push(sga);
        got[i] += os.sga.length(sga);
      };
      for (let stalled = 0; stalled < 2; ) {
        const before = held.length;
        const deadline = performance.now() + 500;
        const pops = queues.map((qd) => os.pop(qd));
        while (pops.length > 0 && performance.now() < deadline) {
          for (const [i, qt] of pops.entries()) {
            const done = os.poll(qt);
            if (done === undefined) continue;
            expect(done.result).toBeGreaterThan(0);
            keep(queues.indexOf(done.qd), done.sga);
            pops[i] = os.pop(done.qd);
          }
          await pause(0);
        }
        for (const qt of pops) {
          if (os.cancel(qt)) os.drop(qt);
          else {
            const done = os.wait(qt);
            keep(queues.indexOf(done.qd), done.sga);
          }
        }
        stalled = held.length === before ? stalled + 1 : 0;
      }
      expect(got[0] + got[1]).toBeLessThan(2 * size);
      for (const sga of held) os.free(sga);
      // Everything that was sent arrives now, and whoever comes is served.
      await Promise.all(
        queues.map(async (qd, i) => {
          while (got[i] < size) {
            const sga = await os.async.pop(qd);
            got[i] += os.sga.length(sga);
            os.free(sga);
          }
        }),
      );
      expect(got).toEqual([size, size]);
      const late = os.async.accept(listener);
      const socket = await dial(libos[4], PORT);
      const qd = await late;
      socket.write("late");
      const sga = await os.async.pop(qd);
      expect(os.sga.copy(sga).toString()).toBe("late");
      os.free(sga);
      for (const each of [...peers, socket]) each.destroy();
      os.destroy();
    }, 60_000);

    test("a device that gives back the very buffers that were sent to it does no harm", async () => {
      const os = await openLibOS({ ...onVeth("af_packet"), device: "net_ring0" });
      const qd = os.socket("udp");
      const nobody = os.async.pushTo(qd, os.sga.from("?"), { host: peer[4], port: 9 }).catch(() => undefined);
      const end = performance.now() + 10_000;
      // The request for the address, back as it was.
      while (os.stats()["dpdk.receiveErrors"] === 0 && performance.now() < end) await pause(10);
      expect(os.stats()["dpdk.receiveErrors"]).toBeGreaterThan(0);
      os.destroy();
      await nobody;
    }, 30_000);

    test("a second libOS is EBUSY with a sentence, in this thread and while the first serves", async () => {
      const os = await openLibOS(onVeth("af_packet"));
      await expect(openLibOS(onVeth("af_packet"))).rejects.toMatchObject({
        code: "EBUSY",
        message: expect.stringMatching(/this process has a libOS .* open/),
      });
      os.destroy();
      (await openLibOS(onVeth("af_packet"))).destroy();
    });
  },
  await whyNot(afPacket),
);
