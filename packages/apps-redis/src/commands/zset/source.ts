import type { Db } from "../../keyspace/db.js";
import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { SetValue } from "../../values/set.js";
import { Zset } from "../../values/zset.js";

/** Told members, where their bytes lie, and their scores; true: it has heard enough. */
type Found = (bytes: Uint8Array, at: number, length: number, score: number) => boolean;

/** What ZUNION and the like take from: a sorted set, a set, whose members have the score 1, or nothing where there is no key. */
export class Source {
  weight = 1;

  private constructor(
    private readonly ref: Ref,
    private readonly zset: Zset | undefined,
    private readonly set: SetValue | undefined,
  ) {}

  /** Of a record, or of 0; undefined: it is of another type. */
  static of(db: Db, ref: Ref): Source | undefined {
    if (ref === 0) return new Source(0, undefined, undefined);
    const type = db.typeOf(ref);
    if (type === Type.ZSET) return new Source(ref, new Zset().open(db, ref), undefined);
    return type === Type.SET ? new Source(ref, undefined, new SetValue().open(db, ref)) : undefined;
  }

  get size(): number {
    return this.zset?.length ?? this.set?.size ?? 0;
  }

  isSame(other: Source): boolean {
    return this.ref !== 0 && this.ref === other.ref;
  }

  /** NaN: it does not have this member. */
  score(bytes: Uint8Array, at: number, length: number): number {
    if (this.zset !== undefined) return this.zset.score(bytes, at, length);
    return this.set?.has(bytes, at, length) ? 1 : Number.NaN;
  }

  /** Tells all members, or until it is enough. */
  some(found: Found): void {
    const { zset } = this;
    this.set?.some((member) => found(member.bytes, member.at, member.length, 1));
    if (zset === undefined || zset.length === 0) return;
    zset.seek(0);
    while (!found(zset.text, zset.textAt, zset.textLength, zset.currentScore()) && zset.step(1));
  }
}
