import assert from "node:assert/strict";
import { type Completion, type LibOS, Opcode, PushFlag, type QueueDescriptor, type QueueToken } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { type ChannelKind, needsOf, openChannel } from "../channels.js";
import { between } from "../payload.js";
import { assertIdle, turn } from "../turns.js";

/** Operations of the soak: a hundred thousand, or a million with DEMI_SOAK=1. */
const OPERATIONS = process.env.DEMI_SOAK === "1" ? 1_000_000 : 100_000;
const TIMEOUT = process.env.DEMI_SOAK === "1" ? 120_000 : 15_000;

/** Random operations on a set of queues, checked against what each queue was given. */
class Soak {
  started = 0;
  completed = 0;
  readonly #queues: QueueDescriptor[] = [];
  readonly #pushed = new Map<QueueDescriptor, number>();
  readonly #popped = new Map<QueueDescriptor, number>();
  readonly #pending = new Set<QueueToken>();

  constructor(
    readonly ctx: CaseContext,
    readonly os: LibOS,
  ) {}

  step(): void {
    const { ctx, os } = this;
    const dice = ctx.random();
    if (this.#queues.length < 8 || (dice < 0.01 && this.#queues.length < 32)) {
      const qd = os.queue({ capacity: between(ctx.random, 1, 64) });
      this.#queues.push(qd);
      this.#pushed.set(qd, 0);
      this.#popped.set(qd, 0);
    } else if (dice < 0.015) {
      const [qd] = this.#queues.splice(between(ctx.random, 0, this.#queues.length - 1), 1);
      os.close(qd);
    } else if (dice < 0.04 && this.#pending.size > 0) {
      const qt = this.#pending.values().next().value as QueueToken;
      if (dice < 0.03) {
        os.cancel(qt);
      } else {
        os.drop(qt);
        this.#pending.delete(qt);
        this.completed++;
      }
    } else {
      this.#operation(this.#queues[between(ctx.random, 0, this.#queues.length - 1)]);
    }
  }

  #operation(qd: QueueDescriptor): void {
    const { ctx, os } = this;
    if (this.#pending.size > 4000) return;
    let qt: QueueToken;
    if (ctx.random() < 0.5) {
      const sga =
        ctx.random() < 0.1 ? os.alloc([8, between(ctx.random, 1, 2000)]) : os.alloc(between(ctx.random, 8, 300));
      const number = (this.#pushed.get(qd) as number) + 1;
      this.#pushed.set(qd, number);
      const head = os.sga.bytes(sga);
      new DataView(head.buffer, head.byteOffset).setUint32(0, number);
      const free = ctx.random() < 0.8;
      qt = os.push(qd, sga, free ? PushFlag.FREE : 0);
      if (!free) os.free(sga);
    } else {
      qt = os.pop(qd);
    }
    this.#pending.add(qt);
    this.started++;
  }

  readonly handle = (event: Completion): void => {
    assert.ok(this.#pending.delete(event.qt), `token ${event.qt} completed without being pending`);
    this.completed++;
    if (event.opcode !== Opcode.POP || event.sga === 0) return;
    const head = this.os.sga.bytes(event.sga);
    const number = new DataView(head.buffer, head.byteOffset).getUint32(0);
    // Numbers rise on each queue: nothing twice, nothing overtaken. Cancelled and dropped operations leave gaps.
    assert.ok(number > (this.#popped.get(event.qd) as number), `message ${number} after ${this.#popped.get(event.qd)}`);
    this.#popped.set(event.qd, number);
    this.os.free(event.sga);
  };

  async end(): Promise<void> {
    for (const qd of this.#queues) this.os.close(qd);
    while (this.completed < this.started) {
      this.os.turn(this.handle);
      this.ctx.check(`${this.started - this.completed} operations to end`);
      await turn();
    }
  }
}

export const soak = group("soak", { on: "runtime" }, (test) => {
  test(
    `${OPERATIONS} random operations on memory queues: none lost, none leaked`,
    async (ctx) => {
      const os = await ctx.open();
      const run = new Soak(ctx, os);
      while (run.started < OPERATIONS) {
        for (let i = 0; i < 100; i++) run.step();
        os.turn(run.handle);
        if (ctx.random() < 0.01) await turn();
        ctx.check(`${run.started} of ${OPERATIONS} operations`);
      }
      await run.end();
      await assertIdle(ctx, os);
      assert.equal(os.stats().invalidEntries, 0);
    },
    { own: true, timeout: TIMEOUT },
  );

  for (const kind of ["tcp", "dmtr", "udp"] as readonly ChannelKind[]) {
    test(
      `${OPERATIONS / 10} messages over ${kind}: none leaked`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const size = 64;
        const total = (OPERATIONS / 10) * size;
        let sent = 0;
        let got = 0;
        const push = () => {
          const sga = os.alloc(size);
          os.sga.bytes(sga).fill((sent / size) & 0xff);
          sent += size;
          os.push(channel.to, sga, PushFlag.FREE | PushFlag.QUIET);
        };
        os.pop(channel.from);
        while (got < total) {
          // A window a socket buffer holds with ease, so that datagrams are not dropped.
          while (sent < total && sent - got < 32 * size) push();
          os.turn((event) => {
            assert.equal(event.opcode, Opcode.POP, `a push failed: ${event.result}`);
            assert.ok(event.result > 0, `pop: ${event.result}`);
            const bytes = os.sga.bytes(event.sga);
            assert.equal(bytes[0], Math.floor(got / size) & 0xff, `at byte ${got}`);
            got += event.result;
            os.free(event.sga);
            if (got < total) os.pop(channel.from);
          }, 1);
          ctx.check(`${got} of ${total} bytes`);
        }
        channel.close();
        await assertIdle(ctx, os);
        await turn();
      },
      { needs: needsOf(kind), timeout: TIMEOUT },
    );
  }
});
