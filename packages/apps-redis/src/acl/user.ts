/** A user: who may say he is it, and what he may. */
import { createHash } from "node:crypto";
import type { CommandTable } from "../commands/table.js";
import { splitArguments } from "../protocol/inline.js";
import { Selector } from "./selector.js";

const BAD_HASH = "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

export class User {
  isEnabled = false;
  /** Any password will do. */
  needsNoPassword = false;
  /** Whether RESTORE's payloads are looked at; undefined: nobody has said so. */
  sanitizing: "sanitize-payload" | "skip-sanitize-payload" | undefined;
  /** SHA-256 of each, in hexadecimal. */
  passwords = new Set<string>();
  /** The first is his own; a command may run if one of them lets it. */
  selectors: Selector[];
  /** He may do everything: nothing is looked at. */
  isUnlimited = false;

  constructor(
    readonly name: string,
    private readonly table: CommandTable,
    allChannels: boolean,
  ) {
    this.selectors = [new Selector(table)];
    this.selectors[0].allChannels = allChannels;
  }

  accepts(password: string): boolean {
    return this.isEnabled && (this.needsNoPassword || this.passwords.has(digest(password)));
  }

  copy(): User {
    const made = new User(this.name, this.table, false);
    made.become(this);
    return made;
  }

  become(other: User): void {
    this.isEnabled = other.isEnabled;
    this.needsNoPassword = other.needsNoPassword;
    this.sanitizing = other.sanitizing;
    this.passwords = new Set(other.passwords);
    this.selectors = other.selectors.map((selector) => selector.copy());
    this.isUnlimited = this.selectors.some((selector) => selector.isUnlimited);
  }

  /** Applies one rule, as ACL SETUSER has it. Why it is none, or undefined. `allChannels`: what reset gives. */
  apply(rule: string, allChannels: boolean): string | undefined {
    const why = this.applyRule(rule, allChannels);
    this.isUnlimited = this.selectors.some((selector) => selector.isUnlimited);
    return why;
  }

  private applyRule(rule: string, allChannels: boolean): string | undefined {
    if (rule === "") return undefined;
    switch (rule.toLowerCase()) {
      case "on":
      case "off":
        this.isEnabled = rule.toLowerCase() === "on";
        return undefined;
      case "skip-sanitize-payload":
      case "sanitize-payload":
        this.sanitizing = rule.toLowerCase() === "sanitize-payload" ? "sanitize-payload" : "skip-sanitize-payload";
        return undefined;
      case "nopass":
      case "resetpass":
        this.needsNoPassword = rule.toLowerCase() === "nopass";
        this.passwords.clear();
        return undefined;
      case "clearselectors":
        this.selectors.length = 1;
        return undefined;
      case "reset":
        this.become(new User(this.name, this.table, allChannels));
        this.sanitizing = "sanitize-payload";
        return undefined;
    }
    const rest = rule.slice(1);
    if (rule[0] === ">" || rule[0] === "#") return this.addPassword(rule[0] === ">" ? digest(rest) : rest);
    if (rule[0] === "<" || rule[0] === "!") return this.removePassword(rule[0] === "<" ? digest(rest) : rest);
    if (rule[0] === "(" && rule.endsWith(")")) return this.addSelector(rule.slice(1, -1));
    return this.selectors[0].apply(rule);
  }

  private addPassword(hash: string): string | undefined {
    if (!/^[0-9a-f]{64}$/.test(hash)) return BAD_HASH;
    this.passwords.add(hash);
    this.needsNoPassword = false;
    return undefined;
  }

  private removePassword(hash: string): string | undefined {
    if (!/^[0-9a-f]{64}$/.test(hash)) return BAD_HASH;
    return this.passwords.delete(hash)
      ? undefined
      : "The password you are trying to remove from the user does not exist";
  }

  private addSelector(rules: string): string | undefined {
    const selector = new Selector(this.table);
    for (const rule of splitArguments(rules) ?? []) {
      const why = selector.apply(rule);
      if (why !== undefined) return why;
    }
    this.selectors.push(selector);
    return undefined;
  }
}

export const digest = (password: string): string =>
  createHash("sha256").update(Buffer.from(password, "latin1")).digest("hex");

/** Rules in which those of one pair of parentheses are one; a text: the parenthesis that is not closed. */
export function mergeSelectors(rules: readonly string[]): string[] | { open: string } {
  const merged: string[] = [];
  let open: string | undefined;
  for (const rule of rules) {
    if (open !== undefined) open += ` ${rule}`;
    else if (rule.startsWith("(") && !rule.endsWith(")")) open = rule;
    else merged.push(rule);
    if (open?.endsWith(")")) {
      merged.push(open);
      open = undefined;
    }
  }
  return open === undefined ? merged : { open };
}
