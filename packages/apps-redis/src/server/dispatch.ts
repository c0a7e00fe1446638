/** From a request to its handler: who may, whether now, and what is counted (Redis: processCommand and call). */
import type { Command } from "../commands/command.js";
import { tellKeys } from "../propagation/key-state.js";
import type { Args } from "../protocol/args.js";
import type { Wait } from "./blocking.js";
import type { Client, Transaction } from "./client.js";
import { Histogram } from "./histogram.js";
import { isShortage, OUT_OF_MEMORY } from "./memory.js";
import type { Server } from "./server.js";
import { discardTransaction } from "./transaction.js";

/** Allowed between MULTI and EXEC, where all others are queued. */
const AT_ONCE = new Set(["exec", "discard", "multi", "watch", "quit", "reset"]);
const SHOWN_BYTES = 128;

/** Runs a request of a client, or replies why not. */
export function dispatch(server: Server, client: Client, args: Args): void {
  const { reply } = server.call;
  const found = server.commands.find(args);
  if (found === undefined) return refuse(server, client, unknown(args));
  let command = found;
  if (found.hasSubcommands && args.count > 1) {
    const sub = found.subcommands.get(args.text(1).toLowerCase());
    if (sub === undefined) {
      const shown = args.text(1).slice(0, SHOWN_BYTES);
      return refuse(server, client, `ERR unknown subcommand '${shown}'. Try ${found.name.toUpperCase()} HELP.`);
    }
    command = sub;
  }
  if (command.arity > 0 ? args.count !== command.arity : args.count < -command.arity)
    return refuse(server, client, `ERR wrong number of arguments for '${command.fullName}' command`, command);
  const why = server.refusal(client, command, args);
  if (why !== undefined) return refuse(server, client, why, command);
  if (server.pause.isOn && server.pause.postpone(client, command, args)) return;
  if (client.transaction !== undefined) {
    if (command.flags.has("no_multi"))
      return refuse(server, client, "ERR Command not allowed inside a transaction", command);
    if (!AT_ONCE.has(command.fullName)) {
      queue(server, client, command, args);
      reply.status("QUEUED");
      return;
    }
  }
  run(server, client, command, args);
  if (server.tracker.hasPending) server.tracker.sendPending(client);
  // Within a script nobody else is served: it is one command.
  if (server.isBusy) return;
  // Nobody is given what of a dataset is there that is being loaded.
  if (server.blocking.count !== 0 && !server.loading.isOn) server.blocking.serveReady();
  if (server.propagation.isOn) {
    server.propagation.flush();
    client.writeOffset = server.replication.offset;
  }
}

/** Runs a command that may run. */
export function run(server: Server, client: Client, command: Command, args: Args): void {
  const { call } = server;
  call.client = client;
  call.db = server.keyspace.dbs[client.db];
  call.args = args;
  call.command = command;
  client.command = command;
  const { errors, length } = call.reply;
  const { keyspace, propagation } = server;
  const { dirty } = keyspace;
  if (keyspace.snapshot !== undefined && command.changesData) keyspace.snapshot.beforeCommand(call.db, command, args);
  if (propagation.isOn) propagation.beginCommand();
  try {
    (command.handler as NonNullable<Command["handler"]>)(call);
  } catch (error) {
    if (!isShortage(error)) throw error;
    runOut(server, client, command, args, length);
  }
  if (propagation.isOn) propagation.endCommand(call.db.id, args, keyspace.dirty !== dirty);
  const took = server.lap();
  command.calls++;
  command.microseconds += took * 1000;
  // Who waits is counted when it is served.
  if (server.config.latencyTracking && client.blocked === undefined) recordLatency(command, took);
  if (call.reply.errors !== errors) command.failed++;
  if (client.tracking !== undefined) server.tracker.remember(client, client.tracking, command, args);
  server.observer.observe(client, command, args, took);
}

/** There was no memory within a command: instead of what it has replied, from `mark` on, it is told that. */
function runOut(server: Server, client: Client, command: Command, args: Args, mark: number): void {
  const { reply } = server.call;
  reply.rewind(mark);
  reply.error(OUT_OF_MEMORY);
  server.memory.afterShortage(client, command, args);
  // Those who follow may have memory, and would do all of it.
  if (command.isWrite) tellKeys(server.propagation, server.keyspace.dbs[client.db], command, args);
}

function recordLatency(command: Command, took: number): void {
  command.histogram ??= new Histogram();
  command.histogram.record(took * 1e6);
}

/** Serves a client that waits, as the second half of its command (Redis: updateStatsOnUnblock). False: it goes on waiting. */
export function runUnblocked(server: Server, client: Client, wait: Wait, serve: () => boolean): boolean {
  const { reply } = server.call;
  const errors = reply.errors;
  const began = server.clock();
  const { length } = reply;
  const { keyspace, propagation } = server;
  const { dirty } = keyspace;
  const db = keyspace.dbs[wait.db];
  const waiting = client.command as Command;
  if (keyspace.snapshot !== undefined && wait.args !== undefined)
    keyspace.snapshot.beforeCommand(db, waiting, wait.args);
  if (propagation.isOn) propagation.beginCommand();
  try {
    if (!serve()) return false;
  } catch (error) {
    if (!isShortage(error)) throw error;
    runOut(server, client, client.command as Command, wait.args ?? server.call.args, length);
  }
  if (propagation.isOn && wait.args !== undefined) propagation.endCommand(db.id, wait.args, keyspace.dirty !== dirty);
  const took = server.clock() - began;
  const command = client.command as Command;
  command.microseconds += took * 1000;
  if (reply.errors !== errors) command.failed++;
  if (server.config.latencyTracking) recordLatency(command, took);
  if (server.tracker.hasPending) server.tracker.sendPending(client);
  server.observer.observeUnblocked(client, command, wait.args, took);
  return true;
}

/** What a transaction that will not run has after it is not kept. */
function queue(server: Server, client: Client, command: Command, args: Args): void {
  const transaction = client.transaction as Transaction;
  if (transaction.isAborted || client.isDirty) return;
  const copy = args.copy();
  transaction.queued.push({ command, args: copy });
  transaction.bytes += copy.bytes.length;
  // As of requests that are not whole.
  if (transaction.bytes > server.config.clientQueryBufferLimit) client.isLeaving = true;
}

/** A request that does not run: a transaction it belongs to will not either. */
function refuse(server: Server, client: Client, why: string, command?: Command): void {
  if (command !== undefined) command.rejected++;
  if (client.transaction !== undefined) client.transaction.isAborted = true;
  if (command?.fullName === "exec") {
    discardTransaction(server, client);
    why = `EXECABORT Transaction discarded because of: ${why.replace(/^ERR /, "")}`;
  }
  server.call.reply.error(why);
}

function unknown(args: Args): string {
  let shown = "";
  for (let i = 1; i < args.count && shown.length < SHOWN_BYTES; i++)
    shown += `'${args.text(i).slice(0, SHOWN_BYTES - shown.length)}' `;
  return `ERR unknown command '${args.text(0).slice(0, SHOWN_BYTES)}', with args beginning with: ${shown}`;
}
