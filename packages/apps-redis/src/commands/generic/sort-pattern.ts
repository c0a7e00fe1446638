/** The patterns of SORT's BY and GET: a key with the element's text in the place of the first `*`, and behind `->` a field of the hash there. */
import type { Db } from "../../keyspace/db.js";
import { Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { readLatin1 } from "../../memory/latin1.js";
import { HashValue } from "../../values/hash.js";

const hash = new HashValue();

export class SortPattern {
  /** `#`: the element itself. */
  private readonly isElement: boolean;
  private readonly before: string = "";
  private readonly after: string = "";
  private readonly field: string = "";
  /** Without a `*` it names nothing. */
  readonly isConstant: boolean;

  constructor(text: string) {
    const known = untilNul(text);
    const star = known.indexOf("*");
    this.isElement = known === "#";
    this.isConstant = star < 0;
    if (star < 0) return;
    const arrow = known.indexOf("->", star + 1);
    const hasField = arrow >= 0 && arrow + 2 < known.length;
    this.before = text.slice(0, star);
    this.after = text.slice(star + 1, hasField ? arrow : undefined);
    this.field = hasField ? text.slice(arrow + 2) : "";
  }

  /** undefined: there is no such key or field, or it is of another type. */
  lookup(db: Db, element: string): string | undefined {
    if (this.isElement) return element;
    if (this.isConstant) return undefined;
    const key = Buffer.from(this.before + element + this.after, "latin1");
    const ref = db.lookup(key, 0, key.length);
    if (ref === 0) return undefined;
    if (this.field !== "") {
      if (db.typeOf(ref) !== Type.HASH) return undefined;
      const field = Buffer.from(this.field, "latin1");
      return hash.open(db, ref).find(field, 0, field.length) ? hash.value.text : undefined;
    }
    if (db.typeOf(ref) !== Type.STRING) return undefined;
    const at = db.stringAt(ref);
    return readLatin1(db.heap.bytes[chunkOf(ref)], at, at + db.stringLength(ref));
  }
}

/** What C's functions for strings see of it. */
export function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
