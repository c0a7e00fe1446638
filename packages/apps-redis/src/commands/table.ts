/** All commands by name. Found by the bytes of a request, without making text of them. */
import type { Args } from "../protocol/args.js";
import { Command, type CommandSpec } from "./command.js";

export class CommandTable {
  /** By the names that they were made with, which ACL rules and statistics have. */
  readonly all = new Map<string, Command>();
  /** By the names that clients have to say, in small letters: `rename-command` gives others, or none. */
  readonly called = new Map<string, Command>();
  private slots: (Command | undefined)[] = [];
  /** Of the commands at the same places in {@link slots}. */
  private names: string[] = [];
  private mask = 0;

  constructor(specs: Iterable<CommandSpec>) {
    for (const spec of specs) this.all.set(spec.name, new Command(spec));
    for (const [name, command] of this.all) this.called.set(name, command);
    this.fill();
  }

  private fill(): void {
    let size = 64;
    while (size < this.called.size * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array(size).fill(undefined);
    this.names = new Array(size).fill("");
    for (const [name, command] of this.called) {
      let at = hashOfName(Buffer.from(name, "latin1"), 0, name.length) & this.mask;
      while (this.slots[at] !== undefined) at = (at + 1) & this.mask;
      this.slots[at] = command;
      this.names[at] = name;
    }
  }

  /** From here on a command is called otherwise, or is not there for anybody if the name is empty. Returns why not. */
  rename(from: string, to: string): string | undefined {
    const name = inSmallLetters(from);
    const command = this.called.get(name);
    if (command === undefined) return "No such command in rename-command";
    this.called.delete(name);
    if (to !== "" && this.called.has(inSmallLetters(to))) return "Target command name already exists";
    if (to !== "") this.called.set(inSmallLetters(to), command);
    this.fill();
    return undefined;
  }

  /** The command that the first argument names, whatever its case. */
  find(args: Args): Command | undefined {
    const length = args.length(0);
    for (let at = hashOfName(args.bytes, args.at(0), length) & this.mask; ; at = (at + 1) & this.mask) {
      const command = this.slots[at];
      if (command === undefined || args.is(0, this.names[at])) return command;
    }
  }
}

/** Of ASCII only: names are bytes. */
const inSmallLetters = (name: string): string => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function hashOfName(bytes: Uint8Array, at: number, length: number): number {
  let h = length;
  for (let i = 0; i < length && i < 32; i++) h = Math.imul(h ^ (bytes[at + i] | 0x20), 0x01000193);
  return h ^ (h >>> 15);
}
