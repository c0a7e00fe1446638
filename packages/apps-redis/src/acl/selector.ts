/** Commands, keys and channels that a user may use: his own rules, or those of one pair of parentheses (Redis: acl.c). */
import type { Command } from "../commands/command.js";
import type { CommandTable } from "../commands/table.js";
import { CATEGORIES, categoriesOf } from "./categories.js";

export interface KeyPattern {
  pattern: string;
  reads: boolean;
  writes: boolean;
}

const UNKNOWN = "Unknown command or category name in ACL";
const SYNTAX = "Syntax error";
const AFTER_ALL = (flag: string, list: string): string =>
  `Adding a pattern after the * pattern (or the 'all${list}' flag) is not valid and does not have any effect. ` +
  `Try '${flag}' to start with an empty list of ${list === "keys" ? "patterns" : list}`;
const hasSpaces = (text: string): boolean => /[\s\0]/.test(text);

export class Selector {
  allKeys = false;
  keys: KeyPattern[] = [];
  allChannels = false;
  channels: string[] = [];
  /** Every command, and it was said of all at once. */
  allCommands = false;
  /** +@all was said after -@all: what is told begins with it. */
  future = false;
  readonly commands = new Set<Command>();
  /** Of commands that may not be used: with these first arguments they may. */
  readonly firstArguments = new Map<Command, Set<string>>();

  constructor(private readonly table: CommandTable) {}

  get isUnlimited(): boolean {
    return this.allCommands && this.allKeys && this.allChannels;
  }

  copy(): Selector {
    const made = new Selector(this.table);
    Object.assign(made, { allKeys: this.allKeys, allChannels: this.allChannels });
    Object.assign(made, { allCommands: this.allCommands, future: this.future });
    made.keys = this.keys.map((one) => ({ ...one }));
    made.channels = [...this.channels];
    for (const command of this.commands) made.commands.add(command);
    for (const [command, all] of this.firstArguments) made.firstArguments.set(command, new Set(all));
    return made;
  }

  /** Applies one rule. Why it is none, or undefined. */
  apply(rule: string): string | undefined {
    switch (rule.toLowerCase()) {
      case "allkeys":
      case "~*":
        return this.setKeys(true);
      case "resetkeys":
        return this.setKeys(false);
      case "allchannels":
      case "&*":
        return this.setChannels(true);
      case "resetchannels":
        return this.setChannels(false);
      case "allcommands":
      case "+@all":
        return this.setCommands(true);
      case "nocommands":
      case "-@all":
        return this.setCommands(false);
    }
    const sign = rule[0];
    if (sign === "~" || sign === "%") return this.addKeyPattern(rule);
    if (sign === "&") return this.addChannel(rule.slice(1));
    if (sign !== "+" && sign !== "-") return SYNTAX;
    if (rule[1] === "@") return this.setCategory(rule.slice(2).toLowerCase(), sign === "+");
    return sign === "+" ? this.allow(rule.slice(1)) : this.deny(rule.slice(1));
  }

  private setKeys(all: boolean): undefined {
    this.allKeys = all;
    this.keys = [];
  }

  private setChannels(all: boolean): undefined {
    this.allChannels = all;
    this.channels = [];
  }

  setCommands(all: boolean): undefined {
    this.allCommands = this.future = all;
    this.commands.clear();
    this.firstArguments.clear();
    if (all) for (const command of everyCommand(this.table)) this.commands.add(command);
  }

  private addKeyPattern(rule: string): string | undefined {
    if (this.allKeys) return AFTER_ALL("resetkeys", "keys");
    const parts = rule[0] === "~" ? ["", "rw", rule.slice(1)] : /^%([rw]*)~?(.*)$/is.exec(rule);
    if (parts === null) return SYNTAX;
    const flags = parts[1].toLowerCase();
    const isWrong = rule[0] === "%" && !/^%(?:|r|w|rw|wr)(?:~|$)/i.test(rule);
    if (isWrong || hasSpaces(parts[2])) return SYNTAX;
    const pattern = { pattern: parts[2], reads: flags.includes("r"), writes: flags.includes("w") };
    const had = this.keys.find((one) => one.pattern === pattern.pattern);
    if (had === undefined) this.keys.push(pattern);
    else Object.assign(had, { reads: had.reads || pattern.reads, writes: had.writes || pattern.writes });
    return undefined;
  }

  private addChannel(pattern: string): string | undefined {
    if (this.allChannels) return AFTER_ALL("resetchannels", "channels");
    if (hasSpaces(pattern)) return SYNTAX;
    if (!this.channels.includes(pattern)) this.channels.push(pattern);
    return undefined;
  }

  setCategory(category: string, allowed: boolean): string | undefined {
    if (!(CATEGORIES as readonly string[]).includes(category)) return UNKNOWN;
    for (const command of everyCommand(this.table)) {
      if (categoriesOf(command).includes(category)) this.change(command, allowed);
    }
    return undefined;
  }

  private allow(name: string): string | undefined {
    const bar = name.lastIndexOf("|");
    if (bar < 0) return this.changeNamed(name, true);
    const command = find(this.table, name.slice(0, bar));
    if (command === undefined) return UNKNOWN;
    if (command.container !== undefined) return "Allowing first-arg of a subcommand is not supported";
    if (bar + 1 === name.length) return SYNTAX;
    if (command.subcommands.size !== 0) return this.changeNamed(name, true);
    const all = this.firstArguments.get(command) ?? new Set<string>();
    this.firstArguments.set(command, all.add(name.slice(bar + 1)));
    return undefined;
  }

  private deny(name: string): string | undefined {
    return this.changeNamed(name, false);
  }

  private changeNamed(name: string, allowed: boolean): string | undefined {
    const command = find(this.table, name);
    if (command === undefined) return UNKNOWN;
    this.change(command, allowed);
    return undefined;
  }

  change(command: Command, allowed: boolean): void {
    this.firstArguments.delete(command);
    if (allowed) this.commands.add(command);
    else this.commands.delete(command);
    if (!allowed) this.allCommands = false;
    for (const sub of command.subcommands.values()) this.change(sub, allowed);
  }
}

export function* everyCommand(table: CommandTable): Generator<Command> {
  for (const command of table.all.values()) {
    yield command;
    yield* command.subcommands.values();
  }
}

function find(table: CommandTable, name: string): Command | undefined {
  const [first, second, ...more] = name.toLowerCase().split("|");
  const command = table.all.get(first);
  if (second === undefined) return command;
  return more.length === 0 ? command?.subcommands.get(second) : undefined;
}
