/** Users by name, and what the check of a command asks. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "../server/client.js";
import { clientInfo } from "../server/client-info.js";
import type { Server } from "../server/server.js";
import { type RefusalContext, RefusalLog } from "./log.js";
import { denialOf, mayUseChannel, type Reason } from "./permission.js";
import { mergeSelectors, User } from "./user.js";

const WORDS: Record<Exclude<Reason, "command">, string> = {
  key: "NOPERM this user has no permissions to access one of the keys used as arguments",
  channel: "NOPERM this user has no permissions to access one of the channels used as arguments",
};

export class Acl {
  readonly users = new Map<string, User>();
  readonly defaultUser: User;
  readonly log = new RefusalLog();

  constructor(private readonly server: Server) {
    this.defaultUser = new User("default", server.commands, false);
    for (const rule of ["on", "nopass", "~*", "&*", "+@all"]) this.defaultUser.apply(rule, false);
    this.users.set("default", this.defaultUser);
  }

  /** acl-pubsub-default: channels of who has just been made. */
  get allChannels(): boolean {
    return this.server.config.aclPubsubDefault === "allchannels";
  }

  /** Who a client is that has not said it. */
  newcomer(): User | undefined {
    return this.defaultUser.needsNoPassword && this.defaultUser.isEnabled ? this.defaultUser : undefined;
  }

  /** requirepass is the password of the default user, and the only one. */
  setDefaultPassword(password: string): void {
    this.defaultUser.apply("resetpass", false);
    this.defaultUser.apply(password === "" ? "nopass" : `>${password}`, false);
  }

  /** Whether the client is that user from now on. */
  authenticate(client: Client, name: string, password: string): boolean {
    const user = this.users.get(name);
    if (user?.accepts(password) !== true) {
      this.refused(client, "auth", this.server.call.args.text(0), name);
      return false;
    }
    client.user = user;
    return true;
  }

  readonly check = (client: Client, command: Command, args: Args): string | undefined => {
    const { user } = client;
    if (user === undefined) return command.flags.has("no_auth") ? undefined : "NOAUTH Authentication required.";
    if (user.isUnlimited) return undefined;
    const denial = denialOf(user, command, args);
    if (denial === undefined) return undefined;
    const { reason, index } = denial;
    this.refused(client, reason, reason === "command" ? command.fullName : args.text(index), user.name);
    if (reason !== "command") return WORDS[reason];
    return `NOPERM this user has no permissions to run the '${command.fullName}' command`;
  };

  /** Why a script of a client may not run a command. */
  denialInScript(client: Client, command: Command, args: Args): Reason | undefined {
    const { user } = client;
    const denial = user === undefined ? undefined : denialOf(user, command, args);
    if (denial === undefined) return undefined;
    const { reason, index } = denial;
    const object = reason === "command" ? command.fullName : args.text(index);
    this.refused(client, reason, object, (user as User).name, "lua");
    return reason;
  }

  mayRun(user: User, command: Command, args: Args): boolean {
    return denialOf(user, command, args) === undefined;
  }

  private refused(
    client: Client,
    reason: Reason | "auth",
    object: string,
    user: string,
    context: RefusalContext = client.transaction === undefined ? "toplevel" : "multi",
  ): void {
    const entry = { count: 1, reason, context, object, user, time: Date.now() } as const;
    this.log.add({ ...entry, client: clientInfo(this.server, client) }, this.server.config.acllogMaxLen);
  }

  /** ACL SETUSER: all rules or none. Why not: which rule, and why. */
  setUser(name: string, rules: readonly string[]): string | undefined {
    const merged = mergeSelectors(rules);
    if ("open" in merged) return `Unmatched parenthesis in acl selector starting at '${merged.open.split(" ")[0]}'.`;
    const had = this.users.get(name);
    const made = had?.copy() ?? new User(name, this.server.commands, this.allChannels);
    for (const rule of merged) {
      const why = made.apply(rule, this.allChannels);
      if (why !== undefined) return `Error in ACL SETUSER modifier '${rule}': ${why}`;
    }
    if (had === undefined) {
      this.users.set(name, made);
    } else {
      had.become(made);
      this.closeSubscribers(had);
    }
    return undefined;
  }

  /** Its clients are left: they are nobody. */
  deleteUser(name: string): boolean {
    const user = this.users.get(name);
    if (user === undefined) return false;
    this.users.delete(name);
    for (const client of [...this.server.clients.values()]) if (client.user === user) this.leave(client);
    return true;
  }

  private leave(client: Client): void {
    if (client === this.server.current) client.isLeaving = true;
    else this.server.close(client);
  }

  /** Who listens to what he may not any more. */
  private closeSubscribers(user: User): void {
    for (const client of [...this.server.clients.values()]) {
      const all = client.subscriptions;
      if (client.user !== user || all === undefined) continue;
      const may = (name: string, isPattern: boolean): boolean =>
        user.selectors.some((selector) => mayUseChannel(selector, name, isPattern));
      const isAllowed =
        [...all.channel, ...all.shard].every((name) => may(name, false)) &&
        [...all.pattern].every((name) => may(name, true));
      if (!isAllowed) this.leave(client);
    }
  }

  /** All users are replaced by those of a file: ACL LOAD. */
  replace(users: ReadonlyMap<string, User>): void {
    for (const name of [...this.users.keys()]) if (name !== "default" && !users.has(name)) this.deleteUser(name);
    const fresh = users.get("default");
    if (fresh !== undefined) this.defaultUser.become(fresh);
    for (const [name, user] of users) {
      const had = this.users.get(name);
      if (had === undefined) this.users.set(name, user);
      else had.become(user);
    }
  }

  /** By name, as Redis's tree has them. */
  sorted(): User[] {
    return [...this.users.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
