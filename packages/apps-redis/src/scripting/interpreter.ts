/** An interpreter of the addon, and the memory through which it and the server speak: no JavaScript values are made on the way. */
import { copyBytes, withWords } from "../memory/bytes.js";
import type { Args } from "../protocol/args.js";
import { Control, Operation, Piece } from "./control.js";
import type { LuaAddon, NativeInterpreter } from "./native.js";

const LEAST_WORDS = 64;
const LEAST_BYTES = 16 * 1024;
/** Memory beyond this is not kept from one script to the next. */
const KEPT = 1024 * 1024;
/** Of the code of an error. */
const MOST_CODE = 64;

/** What scripts ask the server for. */
export interface Answers {
  /** The arguments are a command, which runs, or is refused: its reply is given to {@link Interpreter.replied}. */
  command(from: Interpreter): void;
  /** Whether the user may run it: 1 yes, 0 no, -1: there is no such command. */
  mayRun(from: Interpreter): number;
  /** It runs for long. True: it is to end. */
  slow(): boolean;
  log(level: number, text: string): void;
  /** Its reply has an error with this code; undefined: it has been counted already. */
  failed(code: string | undefined): void;
}

export class Interpreter {
  readonly control = new Int32Array(Control.WORDS);
  readonly native: NativeInterpreter;
  private table = new Int32Array(LEAST_WORDS);
  private bytes = withWords(Buffer.allocUnsafeSlow(LEAST_BYTES));
  out = withWords(Buffer.allocUnsafeSlow(LEAST_BYTES));
  private reply: Uint8Array | undefined;
  private thrown: unknown;

  constructor(
    addon: LuaAddon,
    private readonly answers: Answers,
    hasFunctions: boolean,
    memory: number,
  ) {
    this.native = new addon.Interpreter(() => this.answer(), this.control, hasFunctions, memory);
    this.give(Piece.TABLE);
    this.give(Piece.BYTES);
    this.give(Piece.OUT);
  }

  private give(which: number): void {
    const { table } = this;
    if (which === Piece.TABLE) this.native.give(which, new Uint8Array(table.buffer, 0, table.byteLength));
    else this.native.give(which, which === Piece.BYTES ? this.bytes : this.out);
  }

  // ---- asked by the script ---------------------------------------------------------------------------------------------

  private answer(): void {
    const { control } = this;
    try {
      switch (control[Control.OPERATION]) {
        case Operation.CALL:
          return this.answers.command(this);
        case Operation.ACL:
          control[Control.ANSWER] = this.answers.mayRun(this);
          return;
        case Operation.SLOW:
          control[Control.ANSWER] = this.answers.slow() ? 1 : 0;
          return;
        case Operation.LOG:
          return this.log();
        case Operation.ERROR:
          return this.answers.failed(this.codeAt(control[Control.COUNT] + 1));
        default:
          this.grow(control[Control.OPERATION], control[Control.COUNT]);
      }
    } catch (error) {
      // No memory is the script's to hear of; anything else is thrown when it is over.
      if (!(error instanceof RangeError)) this.thrown ??= error;
      throw error;
    }
  }

  private grow(operation: number, count: number): void {
    if (operation === Operation.GROW_TABLE) {
      this.table = new Int32Array(Math.max(count, this.table.length * 2));
      return this.give(Piece.TABLE);
    }
    const isOut = operation === Operation.GROW_OUT;
    const had = isOut ? this.out : this.bytes;
    const larger = withWords(Buffer.allocUnsafeSlow(Math.max(count, had.length * 2)));
    if (isOut) {
      had.copy(larger, 0, 0, this.control[Control.OUT_LENGTH]);
      this.out = larger;
    } else {
      this.bytes = larger;
    }
    this.give(isOut ? Piece.OUT : Piece.BYTES);
  }

  private log(): void {
    const { bytes, table } = this;
    const text = bytes.toString("utf8", table[2], table[2] + table[3]);
    this.answers.log(Number(bytes.toString("latin1", table[0], table[0] + table[1])), text);
  }

  /** The first word of an error, which begins there. */
  private codeAt(begin: number): string | undefined {
    if (begin === 0) return undefined;
    const { out } = this;
    const most = Math.min(this.control[Control.OUT_LENGTH], begin + MOST_CODE);
    let end = begin;
    while (end < most && out[end] !== 32 && out[end] !== 13) end++;
    return out.toString("latin1", begin, end);
  }

  /** What the script has put there. */
  takeArguments(args: Args): void {
    const { bytes, table } = this;
    const count = this.control[Control.COUNT];
    args.clear(bytes);
    for (let i = 0; i < count; i++) args.add(table[2 * i], table[2 * i + 1]);
  }

  /** The reply of the command: the first `length` bytes, which stay as they are until the next. */
  replied(bytes: Uint8Array, length: number): void {
    if (bytes !== this.reply) {
      this.reply = bytes;
      this.native.give(Piece.REPLY, bytes);
    }
    this.control[Control.REPLY_LENGTH] = length;
  }

  // ---- run -------------------------------------------------------------------------------------------------------------

  /** Runs script or function number `reference`, with the arguments from `from` on, `keys` of which are keys. Its reply is in {@link out}. */
  run(reference: number, isEval: boolean, args: Args, from: number, keys: number): void {
    const { control } = this;
    const count = args.count - from;
    this.makeRoom(args, from, count);
    const { bytes, table } = this;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const length = args.length(from + i);
      table[2 * i] = at;
      table[2 * i + 1] = length;
      copyBytes(args.bytes, args.at(from + i), length, bytes, at);
      at += length;
    }
    control[Control.COUNT] = count;
    control[Control.KEYS] = keys;
    control[Control.FUNCTION] = reference;
    control[Control.IS_EVAL] = isEval ? 1 : 0;
    this.native.run();
    const { thrown } = this;
    if (thrown !== undefined) {
      this.thrown = undefined;
      throw thrown;
    }
  }

  private makeRoom(args: Args, from: number, count: number): void {
    let total = 0;
    for (let i = 0; i < count; i++) total += args.length(from + i);
    if (total > this.bytes.length) this.grow(Operation.GROW_BYTES, total);
    if (2 * count > this.table.length) this.grow(Operation.GROW_TABLE, 2 * count);
  }

  /** The reply has been taken: memory that was much is given back. */
  shrink(): void {
    if (this.out.length > KEPT) {
      this.out = withWords(Buffer.allocUnsafeSlow(LEAST_BYTES));
      this.give(Piece.OUT);
    }
    if (this.bytes.length > KEPT) {
      this.bytes = withWords(Buffer.allocUnsafeSlow(LEAST_BYTES));
      this.give(Piece.BYTES);
    }
    if (this.table.byteLength > KEPT) {
      this.table = new Int32Array(LEAST_WORDS);
      this.give(Piece.TABLE);
    }
  }
}
