/** Whether a user may run a command with its arguments. */
import type { Command, KeyArgument } from "../commands/command.js";
import { hasKeys, keysOf } from "../commands/keys-of.js";
import { globMatchesText } from "../glob.js";
import type { Args } from "../protocol/args.js";
import type { Selector } from "./selector.js";
import type { User } from "./user.js";

/** In the order in which Redis prefers to tell them. */
export type Reason = "command" | "key" | "channel";
const WEIGHT: Record<Reason, number> = { command: 1, key: 2, channel: 4 };

export interface Denial {
  reason: Reason;
  /** The argument that may not be used. */
  index: number;
}

export function denialOf(user: User, command: Command, args: Args): Denial | undefined {
  if (user.isUnlimited) return undefined;
  let worst: Denial = { reason: "command", index: 0 };
  for (const selector of user.selectors) {
    const denial = denialBy(selector, command, args);
    if (denial === undefined) return undefined;
    const weight = WEIGHT[denial.reason] - WEIGHT[worst.reason];
    if (weight > 0 || (weight === 0 && denial.index > worst.index)) worst = denial;
  }
  return worst;
}

function denialBy(selector: Selector, command: Command, args: Args): Denial | undefined {
  if (!selector.allCommands && !command.flags.has("no_auth") && !mayRun(selector, command, args))
    return { reason: "command", index: 0 };
  if (!selector.allKeys && hasKeys(command)) {
    for (const key of keysOf(command, args) ?? [])
      if (!mayUseKey(selector, args.text(key.index), key)) return { reason: "key", index: key.index };
  }
  if (selector.allChannels) return undefined;
  const channels = channelsOf(command, args);
  for (let index = 1; index <= channels.last; index++) {
    if (!mayUseChannel(selector, args.text(index), channels.arePatterns)) return { reason: "channel", index };
  }
  return undefined;
}

function mayRun(selector: Selector, command: Command, args: Args): boolean {
  if (selector.commands.has(command)) return true;
  const first = selector.firstArguments.get(command);
  if (first === undefined || args.count < 2) return false;
  const given = args.text(command.container === undefined ? 1 : 2).toLowerCase();
  for (const one of first) if (one.toLowerCase() === given) return true;
  return false;
}

function mayUseKey({ keys }: Selector, key: string, { flags }: KeyArgument): boolean {
  const needsRead = flags.includes("access");
  const needsWrite = /insert|delete|update/.test(flags);
  for (const { pattern, reads, writes } of keys) {
    if ((needsRead && !reads) || (needsWrite && !writes)) continue;
    if (globMatchesText(pattern, key)) return true;
  }
  return false;
}

/** A pattern is allowed where it is itself in the list. */
export function mayUseChannel({ allChannels, channels }: Selector, channel: string, isPattern: boolean): boolean {
  if (allChannels) return true;
  return channels.some((pattern) => (isPattern ? pattern === channel : globMatchesText(pattern, channel)));
}

function channelsOf({ name, container }: Command, args: Args): { last: number; arePatterns: boolean } {
  if (container !== undefined) return { last: 0, arePatterns: false };
  if (name === "publish" || name === "spublish") return { last: 1, arePatterns: false };
  const isOne = name === "subscribe" || name === "ssubscribe" || name === "psubscribe";
  return { last: isOne ? args.count - 1 : 0, arePatterns: name === "psubscribe" };
}
