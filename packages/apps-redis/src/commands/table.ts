/** All commands by name. Found by the bytes of a request, without making text of them. */
import type { Args } from "../protocol/args.js";
import { Command, type CommandSpec } from "./command.js";

export class CommandTable {
  readonly all = new Map<string, Command>();
  private readonly slots: (Command | undefined)[];
  private readonly mask: number;

  constructor(specs: Iterable<CommandSpec>) {
    for (const spec of specs) this.all.set(spec.name, new Command(spec));
    let size = 64;
    while (size < this.all.size * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array(size).fill(undefined);
    for (const command of this.all.values()) {
      let at = hashOfName(Buffer.from(command.name), 0, command.name.length) & this.mask;
      while (this.slots[at] !== undefined) at = (at + 1) & this.mask;
      this.slots[at] = command;
    }
  }

  /** The command that the first argument names, whatever its case. */
  find(args: Args): Command | undefined {
    const length = args.length(0);
    for (let at = hashOfName(args.bytes, args.at(0), length) & this.mask; ; at = (at + 1) & this.mask) {
      const command = this.slots[at];
      if (command === undefined || args.is(0, command.name)) return command;
    }
  }
}

function hashOfName(bytes: Uint8Array, at: number, length: number): number {
  let h = length;
  for (let i = 0; i < length && i < 32; i++) h = Math.imul(h ^ (bytes[at + i] | 0x20), 0x01000193);
  return h ^ (h >>> 15);
}
