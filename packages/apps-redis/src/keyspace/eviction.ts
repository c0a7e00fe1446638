/**
 * Which keys go when memory is full, by maxmemory-policy (Redis: evict.c), and the 24 bits of each record that tell how it was used: the time of
 * the last use in seconds (LRU), or the minutes of the last decay and a counter that grows as the logarithm of uses (LFU).
 */
import type { Config } from "../config/config.js";
import { chunkOf, type Ref } from "../memory/heap.js";
import type { Db } from "./db.js";
import type { Keyspace } from "./keyspace.js";

const CLOCK_MASK = 0xffffff;
const MINUTES_MASK = 0xffff;
/** Uses that a new key is taken to have: else it would be the first to go. */
const LFU_BEGIN = 5;
const LFU_MOST = 255;
const POOL = 16;
/** Keys that are evicted between two looks at the clock. */
const BETWEEN_LOOKS = 16;

/** Whether memory is within its limit: yes; not yet, and eviction goes on; no, and nothing can go. */
export const Eviction = { DONE: 0, RUNNING: 1, FAILED: 2 } as const;
export type EvictionResult = (typeof Eviction)[keyof typeof Eviction];

/** A key that may go; the one with the highest score goes first. */
interface Candidate {
  score: number;
  db: Db;
  key: string;
}

export class Evictor {
  private seconds = 0;
  private minutes = 0;
  /** The best candidates there were, the best last. Some may be gone. */
  private pool: Candidate[] = [];
  private nextDb = 0;
  /** maxmemory is no limit: a replica has what its master has, replica-ignore-maxmemory. */
  ignoresLimit = false;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly config: Config,
    private readonly evicted: (db: Db, key: string) => void,
  ) {
    this.tick(Date.now());
    keyspace.newClock = () => (this.isLfu ? (this.minutes << 8) | LFU_BEGIN : this.seconds);
    keyspace.touch = (db, ref) => db.setClock(ref, this.isLfu ? this.used(db.clockOf(ref)) : this.seconds);
  }

  /** Asked of each key that is used, so the policy is looked at once. */
  get isLfu(): boolean {
    const { maxmemoryPolicy } = this.config;
    if (maxmemoryPolicy !== this.policy) {
      this.policy = maxmemoryPolicy;
      this.policyIsLfu = maxmemoryPolicy.endsWith("-lfu");
    }
    return this.policyIsLfu;
  }
  private policy = "";
  private policyIsLfu = false;

  /** Whether uses of single keys matter: Redis shares no objects among them then. */
  get wantsClocks(): boolean {
    return this.config.maxmemory !== 0 && /-l[rf]u$/.test(this.config.maxmemoryPolicy);
  }

  /** Milliseconds since 1970. */
  tick(now: number): void {
    this.seconds = Math.floor(now / 1000) & CLOCK_MASK;
    this.minutes = Math.floor(now / 60000) & MINUTES_MASK;
  }

  // ---- clocks ----------------------------------------------------------------------------------------------------------

  /** Of a LRU clock. It wraps after half a year. */
  idleSeconds(clock: number): number {
    return this.seconds >= clock ? this.seconds - clock : this.seconds + CLOCK_MASK - clock;
  }

  /** Of a LFU clock: the counter, less what has decayed since. */
  frequency(clock: number): number {
    const counter = clock & 0xff;
    const { lfuDecayTime } = this.config;
    if (lfuDecayTime === 0) return counter;
    const then = clock >>> 8;
    const passed = this.minutes >= then ? this.minutes - then : MINUTES_MASK - then + this.minutes;
    return Math.max(counter - Math.floor(passed / lfuDecayTime), 0);
  }

  /** A LFU clock after one more use. */
  private used(clock: number): number {
    let counter = this.frequency(clock);
    if (counter < LFU_MOST) {
      const beyond = Math.max(counter - LFU_BEGIN, 0);
      if (Math.random() < 1 / (beyond * this.config.lfuLogFactor + 1)) counter++;
    }
    return (this.minutes << 8) | counter;
  }

  /** The clock of a key whose idle time in seconds, or whose frequency, is said by RESTORE; undefined: it does not matter here. */
  clockFor(idleSeconds: number, frequency: number): number | undefined {
    if (this.isLfu) return frequency < 0 ? undefined : (this.minutes << 8) | frequency;
    if (idleSeconds < 0) return undefined;
    const clock = this.seconds - (idleSeconds % (CLOCK_MASK + 1));
    return clock < 0 ? clock + CLOCK_MASK : clock;
  }

  // ---- evicting --------------------------------------------------------------------------------------------------------

  private isOver(more: number): boolean {
    const { maxmemory } = this.config;
    return (
      (maxmemory !== 0 && !this.ignoresLimit && this.keyspace.usedMemory > maxmemory) ||
      (more !== 0 && this.keyspace.heap.lacks(more))
    );
  }

  /**
   * Evicts keys until memory is within its limit, or the time for it is over: maxmemory-eviction-tenacity. `more`: bytes that the heap shall
   * have then; with 0 nobody asks the heap.
   */
  run(more = 0): EvictionResult {
    if (!this.isOver(more)) return Eviction.DONE;
    if (this.config.maxmemoryPolicy === "noeviction") return Eviction.FAILED;
    const end = performance.now() + timeLimit(this.config.maxmemoryEvictionTenacity);
    for (let evicted = 1; this.isOver(more); evicted++) {
      // What is large is freed later; here it is waited for, else more would go than must.
      if (this.keyspace.pendingReleases !== 0) {
        this.keyspace.releaseSome(Math.max(end - performance.now(), 0));
      } else {
        const found = this.pick();
        if (found === undefined) return Eviction.FAILED;
        this.evict(found.db, found.ref);
      }
      if (evicted % BETWEEN_LOOKS === 0 && performance.now() >= end) break;
    }
    return this.isOver(more) ? Eviction.RUNNING : Eviction.DONE;
  }

  private evict(db: Db, ref: Ref): void {
    const key = db.key(ref);
    this.keyspace.evicted++;
    if (this.keyspace.isWatched)
      this.keyspace.onChanged(db, db.heap.bytes[chunkOf(ref)], db.keyAt(ref), db.keyLength(ref), false);
    db.delete(ref);
    this.evicted(db, key);
  }

  private pick(): { db: Db; ref: Ref } | undefined {
    const policy = this.config.maxmemoryPolicy;
    const all = policy.startsWith("allkeys");
    return policy.endsWith("-random") ? this.pickRandom(all) : this.pickBest(all);
  }

  /** Of one database after the other. */
  private pickRandom(all: boolean): { db: Db; ref: Ref } | undefined {
    const { dbs } = this.keyspace;
    for (let i = 0; i < dbs.length; i++) {
      this.nextDb = (this.nextDb + 1) % dbs.length;
      const db = dbs[this.nextDb];
      const ref = sample(db, all);
      if (ref !== 0) return { db, ref };
    }
    return undefined;
  }

  private pickBest(all: boolean): { db: Db; ref: Ref } | undefined {
    for (;;) {
      let keys = 0;
      for (const db of this.keyspace.dbs) {
        const size = all ? db.size : db.expires.size;
        keys += size;
        for (let i = Math.min(this.config.maxmemorySamples, size); i > 0; i--) this.offer(db, sample(db, all));
      }
      if (keys === 0) return undefined;
      for (let best = this.pool.pop(); best !== undefined; best = this.pool.pop()) {
        const { bytes, length } = this.keyspace.scratch(best.key);
        const ref = best.db.dict.find(bytes, 0, length);
        if (ref !== 0 && (all || best.db.expiryOf(ref) !== -1)) return { db: best.db, ref };
      }
    }
  }

  /** Into the pool, if it is better than one of those there, or there is room. */
  private offer(db: Db, ref: Ref): void {
    const { pool } = this;
    const score = this.scoreOf(db, ref);
    let place = pool.length;
    while (place > 0 && pool[place - 1].score >= score) place--;
    if (place === 0 && pool.length === POOL) return;
    pool.splice(place, 0, { score, db, key: db.key(ref) });
    if (pool.length > POOL) pool.shift();
  }

  private scoreOf(db: Db, ref: Ref): number {
    if (this.config.maxmemoryPolicy === "volatile-ttl") return -db.expiryOf(ref);
    const clock = db.clockOf(ref);
    return this.isLfu ? LFU_MOST - this.frequency(clock) : this.idleSeconds(clock);
  }
}

/** A random key, of all or of those that expire; 0: there is none. */
function sample(db: Db, all: boolean): Ref {
  if (all) return db.dict.random();
  const { size } = db.expires;
  return size === 0 ? 0 : db.expires.at(Math.floor(Math.random() * size));
}

/** Milliseconds: up to half of one, then 15 % more with each step, and no limit for 100. */
function timeLimit(tenacity: number): number {
  if (tenacity <= 10) return 0.05 * tenacity;
  return tenacity < 100 ? 0.5 * 1.15 ** (tenacity - 10) : Number.POSITIVE_INFINITY;
}
