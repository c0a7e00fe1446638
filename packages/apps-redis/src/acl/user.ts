/** A user: who may say he is it, and what he may. */
import { createHash } from "node:crypto";

export class User {
  isEnabled = false;
  /** Any password will do. */
  needsNoPassword = false;
  /** SHA-256 of each, in hexadecimal. */
  readonly passwords = new Set<string>();

  constructor(readonly name: string) {}

  accepts(password: string): boolean {
    return this.isEnabled && (this.needsNoPassword || this.passwords.has(digest(password)));
  }
}

export const digest = (password: string): string =>
  createHash("sha256").update(Buffer.from(password, "latin1")).digest("hex");
