import type { ConformanceTarget, Peers } from "@demikernel/conformance";
import { type LibOS, PushFlag } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the targets are.
import { libos } from "./addresses.mjs";
import { pause } from "./clients.js";

type PairTarget = ConformanceTarget & { peers: Peers; killPeer(): Promise<void> };

/** Accepts a connection of the peer's process and echoes on it until it ends, however it does. */
async function served(target: PairTarget, os: LibOS) {
  const listener = os.socket("tcp");
  os.bind(listener, { host: libos[4], port: 0 });
  os.listen(listener);
  const accepting = os.async.accept(listener);
  const socket = await target.peers.connect({ host: libos[4], port: os.getsockname(listener).port });
  socket.on("error", () => undefined);
  const qd = await accepting;
  void (async () => {
    try {
      for await (const sga of os.async.messages(qd)) await os.async.push(qd, sga);
    } catch {
      // The connection failed, or the libOS is gone.
    }
  })();
  return { qd, socket };
}

/** Declares: the peer's process killed at three moments; this process lives, and serves the next peer. */
export function peerKilled(target: PairTarget): void {
  test.each(["idle", "in the middle of a transfer", "while we push"])(
    "the peer's process killed: %s",
    async (moment) => {
      const os = await target.open();
      const { qd, socket } = await served(target, os);
      if (moment === "in the middle of a transfer") {
        socket.resume();
        socket.write(Buffer.alloc(16 << 20, "t"));
        await pause(100);
      }
      if (moment === "while we push") {
        for (let i = 0; i < 8; i++) os.push(qd, os.alloc(1 << 20), PushFlag.FREE);
      }
      await target.killPeer();
      // Its frames end in nothing: the libOS goes on by itself.
      const queue = os.queue();
      for (let i = 0; i < 100; i++) {
        os.push(queue, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
        const sga = await os.async.pop(queue);
        expect(os.sga.copy(sga).toString()).toBe(`${i}`);
        os.free(sga);
        await pause(1);
      }
      os.destroy();

      const next = await target.open();
      const again = await served(target, next);
      let answer = "";
      again.socket.on("data", (data: Buffer) => {
        answer += data.toString();
      });
      again.socket.write("and on");
      for (let i = 0; i < 500 && answer.length < 6; i++) await pause(10);
      expect(answer).toBe("and on");
      again.socket.destroy();
      next.destroy();
    },
    60_000,
  );
}
