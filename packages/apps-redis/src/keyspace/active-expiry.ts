/** Deletes keys whose time is over and that nobody asks for, a slice at a time (Redis: activeExpireCycle). */
import type { Config } from "../config/config.js";
import type { Db } from "./db.js";
import type { Keyspace } from "./keyspace.js";

/** Keys that are looked at before the clock is, and of a database at least; more with active-expire-effort. */
const KEYS = 20;
/** Percent of them that may have expired before all of the database's are gone through; less with active-expire-effort. */
const STALE = 10;

export class ActiveExpiry {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isOn = true;
  /** Where each database is gone on with. */
  private readonly places: number[];
  private next = 0;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly config: Config,
  ) {
    this.places = keyspace.dbs.map(() => 0);
  }

  /** Goes on until `end`, a time of performance.now(). True if there is more to do: it did not come through all databases. */
  run(end: number): boolean {
    if (!this.isOn) return false;
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
    for (let n = Math.min(keys, expires.size); n > 0; n--) {
      if (place >= expires.size) place = 0;
      const ref = expires.at(place);
      if (db.isExpired(ref)) {
        // The last one takes its place.
        db.expire(ref);
        expired++;
      } else {
        place++;
      }
    }
    this.places[db.id] = place;
    return expired;
  }
}
