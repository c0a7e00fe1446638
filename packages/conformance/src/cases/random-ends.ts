import assert from "node:assert/strict";
import { type LibOS, type PopCompletion, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { type Channel, type ChannelKind, limitSendBuffer, needsOf, openChannel } from "../channels.js";
import { assertFailed } from "../failures.js";
import { between } from "../payload.js";
import { assertIdle, completion, IDLE_LIMIT, take, turn, until } from "../turns.js";

const PUSHES = process.env.DEMI_SOAK === "1" ? 20_000 : 150;
/** Number and length, little-endian, then bytes that follow from both. */
const HEAD = 8;

const pattern = Buffer.from(Array.from({ length: 251 }, (_, i) => i));

function message(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(length, pattern.subarray(number % 50));
  bytes.writeUInt32LE(number, 0);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

/** What has become of the pushes, by number: it has to arrive, it must not, or either. */
type Fate = "arrives" | "never" | "either";

/** Pushes, of which some are cancelled, dropped or aborted at a random moment. */
class Sender {
  readonly fates: Fate[] = [];
  #settling = 0;
  #failure: Error | undefined;

  constructor(
    readonly ctx: CaseContext,
    readonly os: LibOS,
    readonly qd: QueueDescriptor,
  ) {}

  async run(): Promise<void> {
    const { ctx, os } = this;
    for (let n = 0; n < PUSHES; n++) {
      const length = between(ctx.random, HEAD, ctx.random() < 0.1 ? 200_000 : 3000);
      const sga = os.sga.from(message(n, length));
      if (ctx.random() < 0.3) this.#promised(n, sga);
      else await this.#token(n, sga, length);
      while (this.#settling > 20 || ctx.random() < 0.3) await turn();
    }
    await until(ctx, "every push to settle", () => this.#settling === 0);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #promised(n: number, sga: Sga): void {
    const { ctx, os } = this;
    const controller = new AbortController();
    this.fates[n] = "either";
    this.#settling++;
    os.async
      .push(this.qd, sga, { free: true, signal: controller.signal })
      .then(() => {
        this.fates[n] = "arrives";
      })
      .catch((error) => {
        if (error.name !== "AbortError") this.#failure = error;
      })
      .finally(() => this.#settling--);
    const when = ctx.random();
    if (when < 0.5) setTimeout(() => controller.abort(), ctx.random() * 3);
    else if (when < 0.75) controller.abort();
  }

  async #token(n: number, sga: Sga, length: number): Promise<void> {
    const { ctx, os } = this;
    const qt = os.push(this.qd, sga, PushFlag.FREE);
    const wish = ctx.random();
    for (let i = between(ctx.random, 0, 3); i > 0; i--) await turn();
    if (wish < 0.2) {
      this.fates[n] = "either";
      os.drop(qt);
    } else if (wish < 0.6 && os.cancel(qt)) {
      this.fates[n] = "never";
      assertFailed(await completion(ctx, os, qt), "ECANCELED");
    } else {
      this.fates[n] = "arrives";
      assert.equal((await completion(ctx, os, qt)).result, length);
    }
  }
}

/** Pops, of which some are cancelled or aborted, until the end of the stream or, of a queue without one, until all that must has come. */
class Receiver {
  readonly numbers: number[] = [];
  #rest = Buffer.alloc(0);
  ended = false;

  constructor(
    readonly ctx: CaseContext,
    readonly os: LibOS,
    readonly qd: QueueDescriptor,
  ) {}

  async run(): Promise<void> {
    const { ctx, os } = this;
    while (!this.ended) {
      ctx.check(`the end of the stream, after ${this.numbers.length} messages`);
      const wish = ctx.random();
      if (wish < 0.3) {
        await this.#aborted();
        continue;
      }
      const qt = os.pop(this.qd);
      for (let i = between(ctx.random, 0, 2); i > 0; i--) await turn();
      const cancelled = wish < 0.6 && os.cancel(qt);
      const done = await completion(ctx, os, qt);
      if (cancelled) assertFailed(done, "ECANCELED");
      else this.#took(done);
    }
  }

  async #aborted(): Promise<void> {
    const controller = new AbortController();
    const pop = this.os.async.pop(this.qd, { signal: controller.signal });
    const timer = setTimeout(() => controller.abort(), this.ctx.random() * 2);
    try {
      const sga = await pop;
      this.#took({ result: sga === 0 ? 0 : this.os.sga.length(sga), sga });
    } catch (error) {
      assert.equal((error as Error).name, "AbortError");
    } finally {
      clearTimeout(timer);
    }
  }

  #took({ result, sga }: Pick<PopCompletion, "result" | "sga">): void {
    assert.ok(result >= 0, `a pop ended with ${result}`);
    if (sga === 0) {
      assert.equal(this.#rest.length, 0, "the stream ends between two messages");
      this.ended = true;
      return;
    }
    this.#rest = Buffer.concat([this.#rest, take(this.os, sga)]);
    while (this.#rest.length >= HEAD && this.#rest.length >= this.#rest.readUInt32LE(4)) {
      const number = this.#rest.readUInt32LE(0);
      const length = this.#rest.readUInt32LE(4);
      assert.ok(this.#rest.subarray(0, length).equals(message(number, length)), `message ${number}, byte by byte`);
      assert.ok(number > (this.numbers.at(-1) ?? -1), `message ${number} after ${this.numbers.at(-1)}`);
      this.numbers.push(number);
      this.#rest = this.#rest.subarray(length);
    }
  }
}

/** Rules 1, 2 and 4 together, at random. */
export const randomEnds = group("operations ended at random, against a peer that checks every byte", {}, (test) => {
  for (const kind of ["memory", "tcp", "dmtr"] as readonly ChannelKind[]) {
    test(
      kind,
      async (ctx) => {
        const os = await ctx.open();
        const channel: Channel = await openChannel(ctx, os, kind);
        if (kind !== "memory") limitSendBuffer(ctx, os, channel.to);
        const sender = new Sender(ctx, os, channel.to);
        const receiver = new Receiver(ctx, os, channel.from);
        const receiving = receiver.run();
        await sender.run();
        os.shutdown(channel.to);
        await receiving;
        const arrived = new Set(receiver.numbers);
        for (const [n, fate] of sender.fates.entries()) {
          if (fate !== "either") assert.equal(arrived.has(n), fate === "arrives", `message ${n}: ${fate}`);
        }
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind), timeout: process.env.DEMI_SOAK === "1" ? 200 * IDLE_LIMIT : 20_000 },
    );
  }
});
