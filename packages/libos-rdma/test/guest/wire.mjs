// What only a wire can do, between a libOS on rxe1 and a process with one on rxe2: packets cross it, are lost, overtake one another; and a
// peer that stops popping.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PushFlag } from "@demikernel/core";
import { generator, runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { compareLibc } from "../programs/compare-libc.mjs";
import { cleanUp, connected, nothingLeft, nothingPosted, open, packets, withNetem } from "./two-ports.mjs";

const random = generator();

const cases = {
  "200 messages cross the wire, and come back once and in order": async () => {
    const before = packets();
    await echoed({ count: 200, most: 20_000 });
    const crossed = packets() - before;
    // Each way a message and its acknowledgement, the large ones in several packets.
    assert.ok(crossed > 800, `only ${crossed} packets crossed the wire`);
    return `${crossed} packets`;
  },

  "the code of libc is as it was": async () => {
    await open();
    const { bytes, changed } = compareLibc();
    assert.ok(bytes > 100_000, `${bytes} bytes of code were read`);
    assert.equal(changed, 0, "bytes that other threads may have been running");
  },

  "of every hundred packets three are lost, also of a connection with one credit: all messages come back once and in order":
    async () => {
      const lost = await withNetem(["loss", "3%"], () =>
        echoed({ count: 80, most: 8000 }, { count: 25, most: 200, credits: 1 }),
      );
      // Of some 350; netem's seed says which.
      assert.ok(lost[0] + lost[1] > 0, `packets lost: ${lost}`);
      return `${lost.join(" and ")} packets lost`;
    },

  "packets overtake one another and come twice: all messages come back once and in order": async () => {
    await withNetem(["delay", "2ms", "1ms", "duplicate", "2%", "reorder", "5%"], () =>
      echoed({ count: 60, most: 8000 }),
    );
  },

  "a peer that stops popping stalls what is pushed to it, and nothing else": async () => {
    const { os, qd: held, peer } = await connected("hold-first");
    const other = os.socket("tcp");
    await os.async.connect(other, peer.address);
    // Of all sizes, and more than it gave credits for.
    const sizes = Array.from({ length: 60 }, () => 1 + Math.floor(random() * 6000));
    const stalled = new Set(sizes.map((size) => os.push(held, os.alloc(size), PushFlag.FREE)));
    for (let quiet = 0; quiet < 20; quiet++) {
      if (os.turn((event) => stalled.delete(event.qt), 20) > 0) quiet = 0;
    }
    assert.ok(stalled.size > 40, `${stalled.size} of 60 pushes wait`);
    const { "rdma.creditStalls": creditStalls } = os.stats();
    assert.ok(creditStalls > 0, "they wait for credits");
    for (let n = 0; n < 200; n++) {
      const size = 1 + Math.floor(random() ** 4 * 20_000);
      const both = [os.push(other, os.alloc(size), PushFlag.FREE), os.pop(other)];
      const [pushed, popped] = os.waitAll(both, 60_000);
      assert.equal(pushed.result, size);
      assert.equal(popped.result, size, `message ${n} comes back as it was`);
      os.free(popped.sga);
    }
    for (const qt of stalled) assert.equal(os.poll(qt), undefined, "those that wait still do");
    await nothingLeft(os, [held, other]);
    return `${stalled.size} pushes waited`;
  },
};

/** Exchanges messages over connections with these options, side by side, each on a separate libOS. */
async function echoed(...connections) {
  const ends = await Promise.all(connections.map(({ count, most, ...options }) => exchange(count, most, options)));
  for (const { os, qd } of ends) os.close(qd);
  for (const { os } of ends) await nothingPosted(os);
  for (const { os } of ends.slice(1)) os.destroy();
  await nothingLeft(ends[0].os, []);
  for (const { peer } of ends) peer.kill();
}

/** Sends messages of random sizes to an echo across the wire, as many at a time as credits allow, and compares what comes back. */
async function exchange(count, most, options) {
  const { os, qd, peer } = await connected("echo", options);
  const [sent, got] = [createHash("md5"), createHash("md5")];
  const sizes = Array.from({ length: count }, () => 1 + Math.floor(random() ** 4 * most));
  const receive = async () => {
    for (const [i, size] of sizes.entries()) {
      const sga = await os.async.pop(qd);
      assert.equal(os.sga.length(sga), size, `message ${i}`);
      got.update(os.sga.copy(sga));
      os.free(sga);
    }
  };
  const send = async () => {
    for (const size of sizes) {
      const bytes = Buffer.allocUnsafe(size);
      for (let i = 0; i < size; i++) bytes[i] = random() * 256;
      sent.update(bytes);
      await os.async.push(qd, os.sga.from(bytes), { free: true });
    }
  };
  await Promise.all([send(), receive()]);
  assert.equal(got.digest("hex"), sent.digest("hex"));
  return { os, qd, peer };
}

// Soft-RoCE takes about a second to repair a lost packet, and the machine may be busy.
await runCases("wire", cases, { limit: 400_000, after: cleanUp });
