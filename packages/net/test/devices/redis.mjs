/** ioredis: node [--import register] redis.mjs HOST PORT. Says what it has had. */
import assert from "node:assert/strict";
import Redis from "ioredis";

const [host, port] = process.argv.slice(2);
const options = { host, port: Number(port), maxRetriesPerRequest: 0 };
if (process.env.BY_HAND) {
  const net = await import("@demikernel/net");
  const { default: Standalone } = await import("ioredis/built/connectors/StandaloneConnector.js");
  // ioredis takes a connector, as its own ones are.
  options.Connector = class extends (Standalone.default ?? Standalone) {
    connect() {
      this.connecting = true;
      this.stream = net.connect({ host, port: Number(port) });
      return Promise.resolve(this.stream);
    }
  };
}
const redis = new Redis(options);
const pipeline = redis.pipeline();
for (let i = 0; i < 500; i++) pipeline.set(`key:${i}`, "x".repeat(i)).strlen(`key:${i}`);
const replies = await pipeline.exec();
for (const [i, [error, reply]] of replies.entries())
  assert.deepEqual([error, reply], [null, i % 2 === 0 ? "OK" : (i - 1) / 2]);
assert.equal(await redis.set("large", Buffer.alloc(300_000, "y")), "OK");
assert.equal((await redis.getBuffer("large")).length, 300_000);
await redis.quit();
console.log(`${replies.length} replies`);
