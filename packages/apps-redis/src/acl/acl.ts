/** Users by name, and what the check of a command asks. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";
import { User } from "./user.js";

export class Acl {
  readonly users = new Map<string, User>();
  readonly defaultUser = new User("default");

  constructor(protected readonly server: Server) {
    this.users.set("default", this.defaultUser);
    this.defaultUser.isEnabled = true;
    this.defaultUser.needsNoPassword = true;
  }

  /** Who a client is that has not said it. */
  newcomer(): User | undefined {
    return this.defaultUser.needsNoPassword && this.defaultUser.isEnabled ? this.defaultUser : undefined;
  }

  /** Whether the client is that user from now on. */
  authenticate(client: Client, name: string, password: string): boolean {
    const user = this.users.get(name);
    if (user?.accepts(password) !== true) return false;
    client.user = user;
    return true;
  }

  check(client: Client, command: Command, _args: Args): string | undefined {
    if (client.user === undefined) return command.flags.has("no_auth") ? undefined : "NOAUTH Authentication required.";
    return undefined;
  }
}
