/** Rules as text, which gives the same rules again: ACL LIST, GETUSER, SAVE. */
import type { Command } from "../commands/command.js";
import type { CommandTable } from "../commands/table.js";
import { CATEGORIES, categoriesOf } from "./categories.js";
import { everyCommand, type KeyPattern, Selector } from "./selector.js";
import type { User } from "./user.js";

const keyText = ({ pattern, reads, writes }: KeyPattern): string =>
  reads && writes ? `~${pattern}` : `%${reads ? "R" : ""}${writes ? "W" : ""}~${pattern}`;

export const keysText = (selector: Selector): string =>
  selector.allKeys ? "~*" : selector.keys.map(keyText).join(" ");

export const channelsText = (selector: Selector): string =>
  selector.allChannels ? "&*" : selector.channels.map((pattern) => `&${pattern}`).join(" ");

/** All or none, then the categories that need the fewest exceptions, then the exceptions: Redis's choice. */
export function commandsText(selector: Selector, table: CommandTable): string {
  const adds = !selector.future;
  const rules = [adds ? "-@all" : "+@all"];
  const made = new Selector(table);
  made.setCommands(!adds);
  const left = selector.copy();
  const all = [...everyCommand(table)];
  const open = new Set<string>(CATEGORIES);
  for (;;) {
    const best = bestCategory(left, all, open, adds);
    if (best === undefined) break;
    open.delete(best);
    made.setCategory(best, adds);
    left.setCategory(best, !adds);
    rules.push(`${adds ? "+" : "-"}@${best}`);
  }
  for (const command of all) {
    const isAllowed = selector.commands.has(command);
    if (isAllowed !== made.commands.has(command)) {
      rules.push(`${isAllowed ? "+" : "-"}${command.fullName}`);
      made.change(command, isAllowed);
    }
    if (isAllowed) continue;
    for (const first of selector.firstArguments.get(command) ?? []) rules.push(`+${command.fullName}|${first}`);
  }
  return rules.join(" ");
}

function bestCategory(left: Selector, all: Command[], open: Set<string>, adds: boolean): string | undefined {
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const category of CATEGORIES) {
    if (!open.has(category)) continue;
    let on = 0;
    let off = 0;
    for (const command of all) {
      if (!categoriesOf(command).includes(category)) continue;
      if (left.commands.has(command)) on++;
      else off++;
    }
    const [same, different] = adds ? [on, off] : [off, on];
    if (same <= different || different > fewest || (different === fewest && same <= most)) continue;
    best = category;
    fewest = different;
    most = same;
  }
  return best;
}

function selectorText(selector: Selector, table: CommandTable): string {
  const channels = selector.allChannels ? "&*" : `resetchannels ${channelsText(selector)}`.trimEnd();
  return [keysText(selector), channels, commandsText(selector, table)].filter((text) => text !== "").join(" ");
}

export function userFlags(user: User): string[] {
  const flags = [user.isEnabled ? "on" : "off"];
  if (user.needsNoPassword) flags.push("nopass");
  if (user.sanitizing !== undefined) flags.push(user.sanitizing);
  return flags;
}

export function describeUser(user: User, table: CommandTable): string {
  const parts = [...userFlags(user), ...[...user.passwords].map((hash) => `#${hash}`)];
  const [root, ...others] = user.selectors;
  parts.push(selectorText(root, table), ...others.map((selector) => `(${selectorText(selector, table)})`));
  return parts.join(" ");
}
