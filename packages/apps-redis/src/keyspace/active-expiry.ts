/** Deletes keys whose time is over and that nobody asks for, a slice at a time (Redis: activeExpireCycle). */
import type { Config } from "../config/config.js";
import type { Db } from "./db.js";
import type { Keyspace } from "./keyspace.js";

/** Keys that are looked at before the clock is, and of a database at least; more with active-expire-effort. */
const KEYS = 20;
/** Percent of them that may have expired before all of the database's are gone through; less with active-expire-effort. */
const STALE = 10;
/** What the newest sample weighs in an average. */
const TTL_WEIGHT = 1 / 50;
const STALE_WEIGHT = 1 / 20;

export class ActiveExpiry {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isOn = true;
  /** Of keys that are looked at, the share that has expired, of late; how often the time was over first, and milliseconds that it has taken. */
  stale = 0;
  timesOver = 0;
  milliseconds = 0;
  /** Where each database is gone on with. */
  private readonly places: number[];
  private next = 0;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly config: Config,
  ) {
    this.places = keyspace.dbs.map(() => 0);
  }

  resetStatistics(): void {
    this.stale = this.timesOver = this.milliseconds = 0;
  }

  /** Goes on until `end`, a time of performance.now(). True if there is more to do: it did not come through all databases. */
  run(end: number): boolean {
    if (!this.isOn) return false;
    const begun = performance.now();
    this.looked = this.found = 0;
    const more = this.goThrough(end);
    const share = this.looked === 0 ? 0 : this.found / this.looked;
    this.stale += (share - this.stale) * STALE_WEIGHT;
    if (more) this.timesOver++;
    this.milliseconds += performance.now() - begun;
    return more;
  }
  private looked = 0;
  private found = 0;

  private goThrough(end: number): boolean {
    const { dbs } = this.keyspace;
    const effort = this.config.activeExpireEffort - 1;
    const keys = KEYS + (KEYS / 4) * effort;
    const stale = (keys * Math.max(STALE - effort, 1)) / 100;
    for (let visited = 0; visited < dbs.length; visited++) {
      const db = dbs[this.next];
      while (this.look(db, keys) > stale) if (performance.now() >= end) return true;
      this.next = (this.next + 1) % dbs.length;
    }
    return false;
  }

  /** Looks at so many keys, or all there are; returns how many have expired. */
  private look(db: Db, keys: number): number {
    const { expires } = db;
    let place = this.places[db.id];
    let expired = 0;
    let left = 0;
    let ttl = 0;
    const now = this.keyspace.now();
    for (let n = Math.min(keys, expires.size); n > 0; n--) {
      if (place >= expires.size) place = 0;
      const ref = expires.at(place);
      if (db.isExpired(ref)) {
        // The last one takes its place.
        db.expire(ref);
        expired++;
      } else {
        ttl += db.expiryOf(ref) - now;
        left++;
        place++;
      }
    }
    this.places[db.id] = place;
    this.looked += expired + left;
    this.found += expired;
    if (left !== 0) {
      const sample = ttl / left;
      db.averageTtl = db.averageTtl === 0 ? sample : db.averageTtl + (sample - db.averageTtl) * TTL_WEIGHT;
    } else if (expires.size === 0) {
      db.averageTtl = 0;
    }
    return expired;
  }
}
