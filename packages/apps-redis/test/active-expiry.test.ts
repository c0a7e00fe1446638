/** What goes by itself: keys whose time is over, and keys that memory has no room for. */
import { Config } from "../src/config/config.js";
import { ActiveExpiry } from "../src/keyspace/active-expiry.js";
import type { Db } from "../src/keyspace/db.js";
import { Eviction, Evictor } from "../src/keyspace/eviction.js";
import { Keyspace } from "../src/keyspace/keyspace.js";
import { Encoding } from "../src/keyspace/types.js";

const NOW = 1_000_000;

function add(db: Db, name: string, expiry?: number): void {
  const key = Buffer.from(name);
  const ref = db.addString(key, 0, key.length, 50, Encoding.RAW);
  if (expiry !== undefined) db.setExpiry(ref, expiry);
}

test("a slice of expiry ends when its time is over, and goes on where it was until all is gone", () => {
  const keyspace = new Keyspace(2);
  const expiry = new ActiveExpiry(keyspace, new Config());
  keyspace.setNow(NOW);
  for (let i = 0; i < 3000; i++) for (const db of keyspace.dbs) add(db, `key:${i}`, NOW + (i % 10 === 0 ? 10_000 : 1));
  expect(expiry.run(0)).toBe(false);
  keyspace.setNow(NOW + 100);
  let slices = 0;
  // Without any time it looks at a few keys and goes.
  for (let more = true; more; slices++) {
    const before = keyspace.expired;
    more = expiry.run(0);
    expect(keyspace.expired - before).toBeLessThanOrEqual(2 * 20);
  }
  expect(slices).toBeGreaterThan(50);
  for (let i = 0; i < 1000; i++) expiry.run(Number.POSITIVE_INFINITY);
  expect(keyspace.dbs.map((db) => db.size)).toEqual([300, 300]);
  expiry.isOn = false;
  keyspace.setNow(NOW + 20_000);
  expect([expiry.run(Number.POSITIVE_INFINITY), keyspace.dbs[0].size]).toEqual([false, 300]);
});

test.each([
  "allkeys-random",
  "allkeys-lru",
  "allkeys-lfu",
  "volatile-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-ttl",
])("%s evicts until there is room, and only what it may", (policy) => {
  const keyspace = new Keyspace(1);
  const config = new Config();
  const evicted: string[] = [];
  const evictor = new Evictor(keyspace, config, (_, key) => evicted.push(key));
  const [db] = keyspace.dbs;
  keyspace.setNow(NOW);
  for (let i = 0; i < 1000; i++) {
    evictor.tick(NOW + i * 1000);
    add(db, `lasts:${i}`);
    add(db, `expires:${i}`, NOW + 1000 + i);
  }
  config.maxmemoryPolicy = policy;
  config.maxmemoryEvictionTenacity = 100;
  config.maxmemory = Math.floor(keyspace.usedMemory * 0.8);
  expect(evictor.run()).toBe(Eviction.DONE);
  expect(keyspace.usedMemory).toBeLessThanOrEqual(config.maxmemory);
  expect(evicted).toHaveLength(2000 - db.size);
  const ages = evicted.map((key) => Number(key.split(":")[1]));
  // Of those used long ago, and those that expire soon, more go.
  const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length;
  if (policy.endsWith("-lru") || policy.endsWith("-ttl")) expect(mean).toBeLessThan(400);
  if (policy.startsWith("volatile")) expect(evicted.filter((key) => key.startsWith("lasts"))).toEqual([]);
  config.maxmemory = 1;
  expect(evictor.run()).toBe(Eviction.FAILED);
  expect(db.size).toBe(policy.startsWith("volatile") ? 1000 : 0);
});
