import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type LibOS, type LoopMode, Opcode, PushFlag, type QueueDescriptor } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { connectedPair, needsOf } from "../channels.js";
import { acceptedFromNet } from "../peers.js";
import { assertIdle, sgaOf, take, until } from "../turns.js";

const modes: readonly LoopMode[] = ["poll", "adaptive", "interrupt"];
const TICK = 5;
/** What an idle loop's use of the processor is measured over. */
const WINDOW = 300;

/**
 * Waits until a 5 ms interval has ticked often enough. A loop that starves the timers uses much of the processor from one tick to the
 * next; what other programs take of it does not count.
 */
async function ticks(ctx: CaseContext, enough: number): Promise<void> {
  const before = process.cpuUsage();
  let count = 0;
  await new Promise<void>((resolve, reject) => {
    const interval = setInterval(() => {
      try {
        ctx.check(`${enough} ticks of ${TICK} ms, ${count} so far`);
        if (++count === enough) resolve();
      } catch (error) {
        reject(error);
      }
    }, TICK);
    ctx.defer(() => clearInterval(interval));
  });
  const { user, system } = process.cpuUsage(before);
  const each = (user + system) / 1000 / enough;
  assert.ok(each < ctx.scaled(30), `${each} ms of processor time from one tick of ${TICK} ms to the next`);
}

/** Keeps one sga going round a queue as fast as the loop goes. */
function spin(os: LibOS, qd: QueueDescriptor, counter: { rounds: number }): Promise<void> {
  os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
  os.pop(qd);
  return os.run((event) => {
    if (event.opcode !== Opcode.POP || event.result < 0) return;
    counter.rounds++;
    os.push(qd, event.sga, PushFlag.FREE | PushFlag.QUIET);
    os.pop(qd);
  });
}

/** Processor time of this thread: the process has others (the compiler, the collector), and what they do is not the loop's. */
function threadMilliseconds(): number {
  const [nanoseconds] = readFileSync("/proc/thread-self/schedstat", "utf8").split(" ");
  return Number(nanoseconds) / 1e6;
}

export const loopModes = group("loop modes", { own: true }, (test) => {
  for (const loop of modes) {
    test(`${loop}: a handler that gives way finds what it left to ticks and promises done when it is called again`, async (ctx) => {
      const os = await ctx.open({ loop });
      const qd = os.queue();
      let left = 0;
      let rounds = 0;
      const push = () => os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
      os.pop(qd);
      push();
      await os.run((event) => {
        os.free(sgaOf(event));
        assert.equal(left, 0, `round ${rounds}: ticks and promises not done`);
        if (++rounds === 200) {
          os.stop();
          return;
        }
        left = 2;
        process.nextTick(() => left--);
        Promise.resolve().then(() => left--);
        os.giveWay();
        os.pop(qd);
        push();
      });
      os.close(qd);
      await assertIdle(ctx, os);
    });

    test(`${loop}: the end of a batch comes once for all that completed together, before more is asked for`, async (ctx) => {
      const os = await ctx.open({ loop });
      const qds = [os.queue(), os.queue(), os.queue()];
      const pushAll = (): void => {
        for (const qd of qds) os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
      };
      let handed = 0;
      let ended = 0;
      for (const qd of qds) os.pop(qd);
      pushAll();
      await os.run(
        (event) => {
          os.free(sgaOf(event));
          handed++;
          os.pop(event.qd);
        },
        () => {
          assert.equal(handed, ++ended * qds.length, "handed out when the batch ends");
          if (ended === 50) os.stop();
          else pushAll();
        },
      );
      assert.equal(ended, 50);
      for (const qd of qds) os.close(qd);
      await assert.rejects(
        os.run(
          () => {},
          () => {
            throw new Error("the end of a batch");
          },
        ),
        /the end of a batch/,
      );
      await assertIdle(ctx, os);
    });

    test(`${loop}: a loop that does not keep the process serves all the same while something else does`, async (ctx) => {
      const os = await ctx.open({ loop });
      const qd = os.queue();
      os.unref();
      let served = 0;
      const running = os.run((event) => {
        os.free(sgaOf(event));
        if (++served < 4) os.pop(qd);
      });
      os.pop(qd);
      for (const round of [1, 2, 3]) {
        os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
        await until(ctx, `round ${round} to be served`, () => served === round);
      }
      os.ref();
      os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
      await until(ctx, "a push after ref() to be served", () => served === 4);
      os.stop();
      await running;
      os.close(qd);
      await assertIdle(ctx, os);
    });

    test(`${loop}: timers fire under load`, async (ctx) => {
      const os = await ctx.open({ loop });
      const qd = os.queue();
      const counter = { rounds: 0 };
      const running = spin(os, qd, counter);
      await ticks(ctx, 20);
      await until(ctx, "a thousand rounds between the ticks", () => counter.rounds > 1000);
      os.stop();
      await running;
      os.close(qd);
      os.turn((event) => sgaOf(event) !== 0 && os.free(sgaOf(event)));
      await assertIdle(ctx, os);
    });

    test(`${loop}: timers fire while idle`, async (ctx) => {
      const os = await ctx.open({ loop });
      os.pop(os.queue());
      const running = os.run(() => assert.fail("nothing completes"));
      await ticks(ctx, 20);
      os.stop();
      await running;
    });

    test(`${loop}: an idle loop wakes for what this thread starts`, async (ctx) => {
      const os = await ctx.open({ loop });
      const qd = os.queue();
      const popped: string[] = [];
      const running = os.run((event) => {
        if (event.opcode === Opcode.POP) popped.push(take(os, event.sga).toString());
      });
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        os.pop(qd);
        await new Promise((resolve) => setTimeout(resolve, 5));
        os.push(qd, os.sga.from(`${i}`), PushFlag.FREE);
        await until(ctx, `message ${i}`, () => popped.length === i + 1);
      }
      assert.deepEqual(popped, ["0", "1", "2", "3", "4"]);
      os.stop();
      await running;
    });

    test(
      `${loop}: an idle loop wakes for what a peer sends`,
      async (ctx) => {
        const os = await ctx.open({ loop });
        const { qd, socket } = await acceptedFromNet(ctx, os);
        const popped: string[] = [];
        os.pop(qd);
        const running = os.run((event) => {
          if (event.opcode !== Opcode.POP || event.result <= 0) return;
          popped.push(take(os, event.sga).toString());
          os.pop(qd);
        });
        for (let i = 0; i < 10; i++) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          socket.write(`${i}`);
          await until(ctx, `message ${i}`, () => popped.length === i + 1);
        }
        assert.equal(popped.join(""), "0123456789");
        os.stop();
        await running;
      },
      { needs: ["tcp", "hostPeer"], device: loop === "interrupt" },
    );

    test(
      `${loop}: promises alone keep the loop going`,
      async (ctx) => {
        const os = await ctx.open({ loop });
        const [client, server] = await connectedPair(ctx, os);
        const echo = (async () => {
          for await (const sga of os.async.messages(server)) await os.async.push(server, sga);
        })();
        for (let i = 0; i < 20; i++) {
          const pop = os.async.pop(client);
          await os.async.push(client, os.sga.from("x"), { free: true });
          os.free(await pop);
          if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 15));
        }
        os.close(client);
        await echo;
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs: needsOf("tcp"), device: loop === "interrupt" },
    );

    test(
      `${loop}: sockets under load leave Node's own sockets their turn`,
      async (ctx) => {
        const os = await ctx.open({ loop });
        const { qd, socket } = await acceptedFromNet(ctx, os);
        const ball = os.queue();
        const counter = { rounds: 0 };
        os.push(ball, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
        os.pop(ball);
        os.pop(qd);
        const running = os.run((event) => {
          if (event.opcode !== Opcode.POP || event.result <= 0) return;
          counter.rounds++;
          os.push(event.qd, event.sga, PushFlag.FREE | PushFlag.QUIET);
          os.pop(event.qd);
        });
        let echoes = 0;
        socket.on("data", () => {
          echoes++;
          if (echoes < 50) socket.write("ping");
        });
        socket.write("ping");
        await until(ctx, "50 echoes beside a busy queue", () => echoes >= 50);
        os.stop();
        await running;
        assert.ok(counter.rounds > 50);
      },
      { needs: ["tcp", "hostPeer"] },
    );
  }

  for (const loop of ["adaptive", "interrupt"] as const) {
    test(
      `${loop}: an idle loop sleeps`,
      async (ctx) => {
        const os = await ctx.open({ loop });
        const [, server] = await connectedPair(ctx, os);
        os.pop(server);
        const running = os.run(() => assert.fail("nothing completes"));
        await new Promise((resolve) => setTimeout(resolve, 50));
        const before = threadMilliseconds();
        const start = performance.now();
        await new Promise((resolve) => setTimeout(resolve, WINDOW));
        const share = (threadMilliseconds() - before) / (performance.now() - start);
        os.stop();
        await running;
        // A loop that spins uses all of a core; one that sleeps next to nothing.
        assert.ok(share < 0.5, `${Math.round(share * 100)} % of a core while idle`);
      },
      { needs: ["sleep", "tcp"], device: loop === "interrupt" },
    );
  }
});
