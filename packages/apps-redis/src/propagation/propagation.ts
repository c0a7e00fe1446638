/**
 * What changes the dataset, as commands that make the same change elsewhere: the append-only file and replicas follow it. A command is told as it
 * came, if the dataset counts a change (Keyspace.dirty), or as what it did: {@link Propagation.instead} (Redis: propagatePendingCommands,
 * rewriteClientCommandVector). What one command did is told as a whole: of more than one between MULTI and EXEC.
 */
import type { Args } from "../protocol/args.js";
import { encode } from "../protocol/encode.js";
import { Pending } from "./pending.js";
import { requestBegin, requestEnd } from "./request.js";

/** Who is told. */
export interface Follower {
  /** A command for database `db` as RESP has it: an array of bulk strings. The bytes are another's after the call. */
  command(db: number, bytes: Uint8Array, at: number, length: number): void;
  /** It is told messages, too, as replicas are: PUBLISH changes no dataset, and belongs into no file of it. */
  readonly takesMessages?: boolean;
  /** There was no memory for what it had to be told: from here on it lacks something, and has to begin anew with the whole dataset. */
  lost?(): void;
}

/** An argument: latin1 text, a number, or bytes. */
export type Word = string | number | bigint | Uint8Array;

const MULTI = Buffer.from(encode(["MULTI"]));
const EXEC = Buffer.from(encode(["EXEC"]));

export class Propagation {
  /** Somebody follows. */
  isOn = false;
  private followers: readonly Follower[] = [];
  private readonly pending = new Pending();
  /** What runs is told in other words, or not at all. */
  private isReplaced = false;
  /** It is told whether the dataset counts a change or not: to all, or to who takes messages. */
  private isForced = false;
  private isMessage = false;
  /** What was deleted on its way belongs to nothing that it does. */
  private isApart = false;
  /** Commands within EXEC or a script: they are told with it. */
  private depth = 0;

  follow(follower: Follower): void {
    this.followers = [...this.followers, follower];
    this.isOn = true;
  }

  leave(follower: Follower): void {
    this.followers = this.followers.filter((one) => one !== follower);
    this.isOn = this.followers.length !== 0;
    // Who follows next has it in the dataset that it begins with.
    if (!this.isOn) this.pending.clear();
  }

  // ---- by the handler of a command ------------------------------------------------------------------------------------------

  /** The command that runs is told as this, and not as it came; called several times: as all of these. Without `words`: it is not told. */
  instead(db: number, ...words: Word[]): void {
    this.isReplaced = this.isOn;
    if (words.length !== 0) this.also(db, ...words);
  }

  /** As instead(), of `count` words that the caller writes at once; only while {@link isOn}. */
  insteadOf(db: number, count: number): Pending {
    this.isReplaced = true;
    return this.pending.begin(db, count);
  }

  /** This is told, too, before the command that runs if that is told as it came: a key whose time was over. */
  also(db: number, ...words: Word[]): void {
    if (!this.isOn) return;
    const pending = this.pending.begin(db, words.length);
    for (const word of words) {
      if (typeof word === "object") pending.word(word, 0, word.length);
      else pending.text(typeof word === "string" ? word : String(word));
    }
  }

  /** It is told as it came, though the dataset counts no change: FLUSHALL of nothing. */
  force(): void {
    this.isForced = this.isOn;
  }

  /** It is told as it came to who takes messages. */
  message(): void {
    this.isMessage = this.isOn;
  }

  /** Keys that it deletes are any, and no part of what it does: they are not told as a whole (SCAN, RANDOMKEY). */
  apart(): void {
    this.isApart = this.isOn && this.depth === 0;
  }

  // ---- by who runs commands -------------------------------------------------------------------------------------------------

  /** Before a command runs; only while {@link isOn}. */
  beginCommand(): void {
    this.isReplaced = this.isForced = this.isMessage = this.isApart = false;
  }

  /** It has run: `changed` says whether the dataset counts a change. */
  endCommand(db: number, args: Args, changed: boolean): void {
    const { depth, pending } = this;
    if (!this.isReplaced) {
      if (changed || this.isForced) this.asItCame(db, args, false);
      else if (this.isMessage) this.asItCame(db, args, true);
    }
    if (depth === 0 && !pending.isEmpty) this.tell(!this.isApart);
  }

  /** Within EXEC or a script: what has changed since it began is not told yet. */
  get isWithin(): boolean {
    return this.depth !== 0;
  }

  /** What runs until {@link leaveUnit} is told as a whole: EXEC, a script. */
  enterUnit(): void {
    this.depth++;
  }

  leaveUnit(): void {
    this.depth--;
    // What has run within is told, and not what ran it.
    this.isReplaced = true;
  }

  /** Tells what is pending outside of any command: keys whose time is over, or that were evicted. They have nothing to do with each other. */
  flush(): void {
    if (this.depth === 0 && !this.pending.isEmpty) this.tell(false);
  }

  /** What followers have to be told cannot be: {@link Follower.lost}. */
  lose(): void {
    this.pending.isLost = true;
  }

  // ---- telling ------------------------------------------------------------------------------------------------------------

  private asItCame(db: number, args: Args, isMessage: boolean): void {
    const { pending } = this;
    // Mostly it is all there is, and lies there as it was sent.
    const begin = this.depth === 0 && pending.isEmpty ? requestBegin(args) : -1;
    if (begin < 0) {
      pending.begin(db, args.count, isMessage).argument(args, 0, args.count);
      return;
    }
    const length = requestEnd(args) - begin;
    for (const one of this.followers) if (!isMessage || one.takesMessages) one.command(db, args.bytes, begin, length);
  }

  private tell(isWhole: boolean): void {
    const { followers, pending } = this;
    const { isLost } = pending;
    for (const one of followers) {
      if (isLost) one.lost?.();
      else this.tellOne(one, isWhole);
    }
    pending.clear();
  }

  private tellOne(one: Follower, isWhole: boolean): void {
    const { begins, bytes, count, dbs, messages } = this.pending;
    if (!one.takesMessages && messages.every(Boolean)) return;
    const isUnit = isWhole && count > 1;
    if (isUnit) one.command(dbs[0], MULTI, 0, MULTI.length);
    for (let i = 0; i < count; i++) {
      if (messages[i] && !one.takesMessages) continue;
      one.command(dbs[i], bytes, begins[i], this.pending.end(i) - begins[i]);
    }
    if (isUnit) one.command(dbs[count - 1], EXEC, 0, EXEC.length);
  }
}
