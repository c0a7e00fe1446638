/** Runs commands that were run before: what an append-only file has. They are not checked, counted or replied to again. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

const ERROR = 45;

interface Queued {
  command: Command;
  args: Args;
}

export class Replayer {
  private readonly client: Client;
  /** Between MULTI and EXEC: all of it counts, or none. */
  private queued: Queued[] | undefined;

  constructor(private readonly server: Server) {
    this.client = new Client(0, server.os, -1 as never, "the append-only file", "");
    this.client.user = server.acl.newcomer();
    this.client.isObeyed = true;
  }

  get isWithinTransaction(): boolean {
    return this.queued !== undefined;
  }

  /** Of a file that ends within a transaction, which never was. */
  forgetTransaction(): void {
    this.queued = undefined;
  }

  /** A file of its own begins: database 0 is selected. */
  begin(): void {
    this.client.db = 0;
  }

  /** Why it is no command that a server has told. */
  apply(args: Args): string | undefined {
    const command = this.find(args);
    if (command === undefined) return `unknown command '${args.text(0).slice(0, 128)}'`;
    if (command.arity > 0 ? args.count !== command.arity : args.count < -command.arity)
      return `wrong number of arguments for '${command.fullName}'`;
    if (command.fullName === "multi") {
      if (this.queued !== undefined) return "MULTI within MULTI";
      this.queued = [];
    } else if (command.fullName === "exec") {
      const { queued } = this;
      if (queued === undefined) return "EXEC without MULTI";
      this.queued = undefined;
      for (const one of queued) {
        const why = this.run(one.command, one.args);
        if (why !== undefined) return why;
      }
    } else if (this.queued !== undefined) {
      this.queued.push({ command, args: args.copy() });
    } else {
      return this.run(command, args);
    }
    return undefined;
  }

  private find(args: Args): Command | undefined {
    const command = this.server.commands.find(args);
    if (command === undefined || !command.hasSubcommands) return command;
    return args.count > 1 ? command.subcommands.get(args.text(1).toLowerCase()) : undefined;
  }

  private run(command: Command, args: Args): string | undefined {
    const { call, keyspace, propagation } = this.server;
    // It was told when it ran first.
    const { isOn } = propagation;
    propagation.isOn = false;
    call.client = this.client;
    call.db = keyspace.dbs[this.client.db];
    call.args = args;
    call.command = command;
    command.handler?.(call);
    propagation.isOn = isOn;
    const { reply } = call;
    // Without a library what calls its functions is lost: they are a part of the dataset.
    const isWrong = command.container?.name === "function" && reply.bytes[0] === ERROR;
    const why = isWrong ? reply.bytes.toString("latin1", 1, reply.length - 2) : undefined;
    reply.reset();
    return why;
  }
}
