/**
 * What changes the dataset, as commands that make the same change elsewhere: the append-only file and replicas follow it. A command is told as it
 * came, if the dataset counts a change (Keyspace.dirty), or as what it did: {@link Propagation.instead} (Redis: propagatePendingCommands,
 * rewriteClientCommandVector). What one command did is told as a whole: of more than one between MULTI and EXEC.
 */
import { copyBytes } from "../memory/bytes.js";
import { writeLatin1 } from "../memory/latin1.js";
import { decimalLength, writeDecimal } from "../numbers/decimal.js";
import type { Args } from "../protocol/args.js";

/** Who is told. */
export interface Follower {
  /** A command for database `db` as RESP has it: an array of bulk strings. The bytes are another's after the call. */
  command(db: number, bytes: Uint8Array, at: number, length: number): void;
}

/** An argument: latin1 text, a number, or bytes. */
export type Word = string | number | bigint | Uint8Array;

const LEAST = 4096;
/** Memory beyond this is not kept from one command to the next. */
const KEPT = 1024 * 1024;
const MULTI = Buffer.from("*1\r\n$5\r\nMULTI\r\n");
const EXEC = Buffer.from("*1\r\n$4\r\nEXEC\r\n");
/** Around an argument: "$", ten digits, two line ends. */
const AROUND = 16;

export class Propagation {
  /** Somebody follows. */
  isOn = false;
  private followers: readonly Follower[] = [];
  private bytes = Buffer.allocUnsafeSlow(LEAST);
  private length = 0;
  /** Of each command that is pending: its database, and where it begins. */
  private readonly dbs: number[] = [];
  private readonly begins: number[] = [];
  /** What runs is told in other words, or not at all. */
  private isReplaced = false;
  /** Commands within EXEC or a script: they are told with it. */
  private depth = 0;

  follow(follower: Follower): void {
    this.followers = [...this.followers, follower];
    this.isOn = true;
  }

  leave(follower: Follower): void {
    this.followers = this.followers.filter((one) => one !== follower);
    this.isOn = this.followers.length !== 0;
  }

  // ---- by the handler of a command ------------------------------------------------------------------------------------------

  /** The command that runs is told as this, and not as it came; called several times: as all of these. Without `words`: it is not told. */
  instead(db: number, ...words: Word[]): void {
    this.isReplaced = true;
    if (words.length !== 0) this.also(db, ...words);
  }

  /** This is told, too, before the command that runs if that is told as it came: a key whose time was over. */
  also(db: number, ...words: Word[]): void {
    if (!this.isOn) return;
    this.begin(db, words.length);
    for (const word of words) {
      if (typeof word === "object") this.argument(word, 0, word.length);
      else this.text(typeof word === "string" ? word : String(word));
    }
  }

  // ---- by who runs commands -------------------------------------------------------------------------------------------------

  /** Before a command runs; only while {@link isOn}. */
  beginCommand(): void {
    this.isReplaced = false;
  }

  /** It has run: `changed` says whether the dataset counts a change. */
  endCommand(db: number, args: Args, changed: boolean): void {
    if (changed && !this.isReplaced) this.asItCame(db, args);
    this.isReplaced = false;
    if (this.depth === 0 && this.begins.length !== 0) this.tell();
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

  /** Tells what is pending outside of any command: keys whose time is over, or that were evicted. */
  flush(): void {
    if (this.depth === 0 && this.begins.length !== 0) this.tell();
  }

  private tell(): void {
    const { begins, bytes, dbs } = this;
    const count = begins.length;
    if (count > 1) for (const one of this.followers) one.command(dbs[0], MULTI, 0, MULTI.length);
    for (let i = 0; i < count; i++) {
      const end = i + 1 < count ? begins[i + 1] : this.length;
      for (const one of this.followers) one.command(dbs[i], bytes, begins[i], end - begins[i]);
    }
    if (count > 1) for (const one of this.followers) one.command(dbs[count - 1], EXEC, 0, EXEC.length);
    begins.length = dbs.length = this.length = 0;
    if (bytes.length > KEPT) this.bytes = Buffer.allocUnsafeSlow(LEAST);
  }

  // ---- RESP ---------------------------------------------------------------------------------------------------------------

  private asItCame(db: number, args: Args): void {
    this.begin(db, args.count);
    for (let i = 0; i < args.count; i++) this.argument(args.bytes, args.at(i), args.length(i));
  }

  private begin(db: number, count: number): void {
    this.dbs.push(db);
    this.begins.push(this.length);
    this.room(AROUND);
    this.count(42, count);
  }

  private text(text: string): void {
    this.room(text.length + AROUND);
    this.count(36, text.length);
    writeLatin1(this.bytes, this.length, text);
    this.end(text.length);
  }

  private argument(from: Uint8Array, at: number, length: number): void {
    this.room(length + AROUND);
    this.count(36, length);
    copyBytes(from, at, length, this.bytes, this.length);
    this.end(length);
  }

  private count(prefix: number, value: number): void {
    this.bytes[this.length] = prefix;
    const digits = decimalLength(value);
    writeDecimal(this.bytes, this.length + 1, value, digits);
    this.length += 1 + digits;
    this.end(0);
  }

  private end(length: number): void {
    this.length += length;
    this.bytes[this.length++] = 13;
    this.bytes[this.length++] = 10;
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
