/** A storage engine of another addon beside the backend: one memory, one wait, one end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type LibOS, type LoopMode, Opcode, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { type Channel, openChannel } from "../channels.js";
import { assertThrows } from "../failures.js";
import type { ThreadOrder } from "../libos-thread.js";
import { randomBytes } from "../payload.js";
import type { OpenOverrides } from "../target.js";
import { assertIdle, completion, take, turn } from "../turns.js";

/** What asks openLibOS() for the target's storage engine, on a folder of the case's own. */
function storage(ctx: CaseContext): OpenOverrides {
  const folder = mkdtempSync(join(tmpdir(), "demi-storage-"));
  ctx.defer(() => rmSync(folder, { recursive: true, force: true }));
  const name = ctx.target.storage as string;
  return { storage: name, [name]: ctx.target.storageOptions?.(folder) ?? { folder } };
}

/** A channel over the network, where the target has one. */
function network(ctx: CaseContext, os: LibOS): Promise<Channel> {
  return openChannel(ctx, os, ctx.target.features.tcp ? "tcp" : "memory");
}

/** What has been appended to a file, popped to its end. */
async function contents(ctx: CaseContext, os: LibOS, file: QueueDescriptor): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const done = await completion(ctx, os, os.pop(file));
    assert.ok(done.result >= 0, `pop of the file ended with ${done.result}`);
    if (done.result === 0) return Buffer.concat(parts);
    parts.push(take(os, done.sga));
  }
}

export const twoEngines = group("two engines", { own: true, needs: ["storage"], device: true }, (test) => {
  test("files are the storage engine's, sockets the backend's, and each counts under its name", async (ctx) => {
    const name = ctx.target.storage as string;
    const os = await ctx.open(storage(ctx));
    assert.equal(os.engines.length, 2);
    assert.equal(os.engines[0].name, os.name);
    assert.equal(os.engines[0].engine, os.engine);
    assert.equal(os.engines[1].name, name);
    const stats = os.stats();
    // The storage device also reaches all of the arena, including the network's receive buffers.
    assert.ok(stats[`${name}.mappedBytes`] >= 64 * 1024 * 1024, `${stats[`${name}.mappedBytes`]} bytes mapped`);
    const file = os.creat("counted");
    const done = await completion(ctx, os, os.push(file, os.sga.from("x"), PushFlag.FREE));
    assert.equal(done.result, 1);
    const after = os.stats();
    const counted = Object.keys(stats).filter((key) => key.startsWith(`${name}.`) && after[key] > stats[key]);
    assert.ok(counted.length > 0, "a counter of the storage engine's has moved");
    os.close(file);
    os.unlink("counted");
    assertThrows("ENOENT", () => os.open("counted", "r"));
    await assertIdle(ctx, os);
  });

  test("one waitAny over both: whichever is ready ends it", async (ctx) => {
    const os = await ctx.open(storage(ctx));
    const file = os.creat("waited");
    const { to, from, close } = await network(ctx, os);
    for (let round = 0; round < 20; round++) {
      const text = `round ${round}`;
      const waiting = os.pop(from);
      // The network has nothing: the file's completion ends the wait.
      const written = os.waitAny([waiting, os.push(file, os.sga.from(text), PushFlag.FREE)], ctx.remaining());
      assert.equal(written?.index, 1);
      assert.equal(written?.result, text.length);
      const read = os.waitAny([os.pop(file), waiting], ctx.remaining());
      assert.equal(read?.index, 0);
      assert.equal(take(os, read?.sga as Sga).toString(), text);
      // The other way: two of the network's, and whatever the file does.
      os.push(to, os.sga.from(text), PushFlag.FREE | PushFlag.QUIET);
      const arrived = os.waitAny([waiting], ctx.remaining());
      assert.equal(arrived?.index, 0);
      assert.equal(take(os, arrived?.sga as Sga).toString(), text);
    }
    os.close(file);
    close();
    await assertIdle(ctx, os);
  });

  for (const loop of ["poll", "adaptive", "interrupt"] as const satisfies readonly LoopMode[]) {
    test(`${loop}: a loop that sleeps wakes for either`, async (ctx) => {
      const os = await ctx.open({ ...storage(ctx), loop });
      const file = os.creat("woken", { durable: true });
      const { to, from, close } = await network(ctx, os);
      for (let round = 0; round < 10; round++) {
        const popping = os.async.pop(from);
        await new Promise((resolve) => setTimeout(resolve, ctx.random() * 5));
        // Nothing but the file's thread wakes the loop for this one.
        assert.equal(await os.async.push(file, os.sga.from("kept"), { free: true }), 4);
        await new Promise((resolve) => setTimeout(resolve, ctx.random() * 5));
        await os.async.push(to, os.sga.from("sent"), { free: true });
        assert.equal(take(os, await popping).toString(), "sent");
      }
      os.close(file);
      close();
      await assertIdle(ctx, os);
    });
  }

  test("what was popped from the network is appended as it lies, and reads back the same", async (ctx) => {
    const os = await ctx.open(storage(ctx));
    const file = os.creat("passed");
    const { to, from, close } = await network(ctx, os);
    const sent: Buffer[] = [];
    let appended = 0;
    for (let i = 0; i < 50; i++) {
      const data = randomBytes(ctx.random, 1 + Math.floor(ctx.random() * 3000));
      sent.push(data);
      await completion(ctx, os, os.push(to, os.sga.from(data), PushFlag.FREE));
      for (let got = 0; got < data.length; ) {
        const popped = await completion(ctx, os, os.pop(from));
        assert.ok(popped.result > 0);
        got += popped.result;
        const kept = await completion(ctx, os, os.push(file, popped.sga, PushFlag.FREE));
        assert.equal(kept.result, popped.result);
        appended += kept.result;
      }
    }
    const all = Buffer.concat(sent);
    assert.equal(appended, all.length);
    assert.ok((await contents(ctx, os, file)).equals(all), "the file holds what was sent");
    os.close(file);
    close();
    await assertIdle(ctx, os);
  });

  test(
    "random operations on both at once: none lost, none leaked",
    async (ctx) => {
      const os = await ctx.open(storage(ctx));
      const file = os.creat("random");
      const { to, from, close } = await network(ctx, os);
      const moved = { pushed: 0, popped: 0, written: 0, read: 0 };
      let pushing = 0;
      let popping = false;
      let reading = false;
      const rounds = ctx.scaled(1) >= 10 ? 200 : 2000;
      const done = () => pushing === 0 && moved.popped === moved.pushed && moved.read === moved.written;
      for (let round = 0; round < rounds || !done(); round++) {
        if (round < rounds && pushing < 8 && ctx.random() < 0.4) {
          const data = randomBytes(ctx.random, 1 + Math.floor(ctx.random() * 2000));
          os.push(ctx.random() < 0.5 ? to : file, os.sga.from(data), PushFlag.FREE);
          pushing++;
        }
        if (!popping && moved.popped < moved.pushed) popping = os.pop(from) !== 0;
        if (!reading && moved.read < moved.written) reading = os.pop(file) !== 0;
        os.turn((event) => {
          const { qd, result } = event;
          assert.ok(result > 0, `an operation ended with ${result}`);
          if (event.opcode !== Opcode.POP) {
            pushing--;
            moved[qd === file ? "written" : "pushed"] += result;
            return;
          }
          if (qd === file) reading = false;
          else popping = false;
          moved[qd === file ? "read" : "popped"] += result;
          os.free(event.sga);
        });
        ctx.check(`the rest of ${JSON.stringify(moved)}`);
        await turn();
      }
      os.close(file);
      close();
      await assertIdle(ctx, os);
    },
    { timeout: 20_000 },
  );

  test(
    "Workers terminated at random moments with both loaded: the process goes on",
    async (ctx) => {
      const together = (ctx.target.features.several ?? true) && ctx.scaled(1) < 10 ? 3 : 1;
      for (let round = 0; round < 4; round++) {
        const workers = Array.from({ length: together }, () => {
          const order: ThreadOrder = {
            module: ctx.target.module as string,
            host: ctx.host(4),
            end: "churn",
            options: storage(ctx),
          };
          return new Worker(new URL("../libos-thread.js", import.meta.url), { workerData: order });
        });
        await Promise.all(
          workers.map(async (worker) => {
            await once(worker, "message");
            await new Promise((resolve) => setTimeout(resolve, ctx.random() * 15));
            await worker.terminate();
          }),
        );
      }
    },
    { needs: ["module"], device: false, timeout: 20_000 },
  );

  test("an engine that is not installed, and one that is the libOS itself, are refused", async (ctx) => {
    const own = (await ctx.open({})).name;
    for (const [name, code] of [
      ["no-such-engine", "ENOENT"],
      [own, "EINVAL"],
      ["Not a name", "EINVAL"],
    ]) {
      await assert.rejects(
        () => ctx.open({ storage: name }),
        (error: Error & { code?: string }) => error.code === code,
      );
    }
  });
});
