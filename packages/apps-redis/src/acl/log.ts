/** What was refused, the last first; the same within a minute is one entry (ACL LOG). */
import type { Reason } from "./permission.js";

export type RefusalContext = "toplevel" | "multi" | "lua";

export interface Refusal {
  count: number;
  reason: Reason | "auth";
  context: RefusalContext;
  object: string;
  user: string;
  /** Milliseconds since 1970. */
  time: number;
  client: string;
}

const SAME_FOR = 60_000;
/** Entries that are looked at for the same one. */
const LOOKED_AT = 10;

export class RefusalLog {
  entries: Refusal[] = [];

  add(refusal: Refusal, most: number): void {
    const same = this.entries
      .slice(0, LOOKED_AT)
      .find(
        (one) =>
          one.reason === refusal.reason &&
          one.context === refusal.context &&
          one.object === refusal.object &&
          one.user === refusal.user &&
          refusal.time - one.time <= SAME_FOR,
      );
    if (same !== undefined) this.entries.splice(this.entries.indexOf(same), 1);
    this.entries.unshift(same === undefined ? refusal : { ...refusal, count: same.count + 1 });
    if (this.entries.length > most) this.entries.length = most;
  }
}
