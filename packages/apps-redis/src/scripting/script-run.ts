/** A script that runs: its commands, each of which is checked and counted as a client's (Redis: scriptCall). */

import type { Command } from "../commands/command.js";
import { refusalOfFiles } from "../persistence/refusals.js";
import { Args } from "../protocol/args.js";
import { Reply } from "../protocol/reply.js";
import { refusalOfReplication } from "../replication/refusals.js";
import type { Client } from "../server/client.js";
import { run } from "../server/dispatch.js";
import { OUT_OF_MEMORY } from "../server/memory.js";
import type { Server } from "../server/server.js";
import { Busy } from "./busy.js";
import { Control, REPLICATE_ALL } from "./control.js";
import { ScriptFlag } from "./flags.js";
import type { Answers, Interpreter } from "./interpreter.js";
import { scriptClient } from "./script-client.js";

const DENIALS = {
  command: "can't run this command or subcommand",
  key: "can't access at least one of the keys mentioned in the command arguments",
  channel: "can't publish to the channel mentioned in the command",
};

export class ScriptRun implements Answers {
  /** Whose script it is; undefined: none runs. */
  caller: Client | undefined;
  /** Its SHA1, or the function's name. */
  name = "";
  isEval = false;
  /** What ran it, for FUNCTION STATS. */
  callerArgs: Args | undefined;
  interpreter: Interpreter | undefined;
  /** DEBUG SET-DISABLE-DENY-SCRIPTS: also commands that no script may call. */
  allowsAll = false;
  private isReadOnly = false;
  private allowsNoMemory = false;
  /** There was no memory when it began. */
  private wasOut = false;
  private hasWritten = false;
  private isKilled = false;
  private readonly client: Client;
  private readonly args = new Args();
  private readonly reply: Reply;
  private readonly busy: Busy;

  constructor(private readonly server: Server) {
    this.client = scriptClient(server.os);
    this.reply = new Reply(server.call.reply.codes);
    this.busy = new Busy(server);
  }

  /** Runs it, and writes its reply. `flags`: of the script; `from`: the first argument that is a key. */
  run(
    interpreter: Interpreter,
    what: { reference: number; name: string; flags: number; isEval: boolean; isReadOnly: boolean },
    from: number,
    keys: number,
  ): void {
    const { server } = this;
    const { call, keyspace, propagation } = server;
    const { client: caller, db, args, command, reply } = call;
    const began = server.clock();
    const isCompatible = (what.flags & ScriptFlag.COMPATIBLE) !== 0;
    this.caller = caller;
    this.callerArgs = args;
    this.name = what.name;
    this.isEval = what.isEval;
    this.interpreter = interpreter;
    this.isReadOnly = what.isReadOnly || (!isCompatible && (what.flags & ScriptFlag.NO_WRITES) !== 0);
    this.allowsNoMemory = !isCompatible && (what.flags & ScriptFlag.ALLOW_OOM) !== 0;
    this.wasOut = server.memory.isLimited && server.memory.wasOut;
    this.hasWritten = this.isKilled = false;
    this.client.db = caller.db;
    this.client.user = caller.user;
    const { control } = interpreter;
    control[Control.CLIENT_RESP] = reply.resp;
    control[Control.SCRIPT_RESP] = 2;
    control[Control.REPLICATION] = REPLICATE_ALL;
    control[Control.THRESHOLD] = Math.min(server.config.busyReplyThreshold, 0x7fffffff);
    server.outer = reply;
    call.reply = this.reply;
    propagation.enterUnit();
    const now = keyspace.now();
    try {
      interpreter.run(what.reference, what.isEval, args, from, keys);
    } finally {
      propagation.leaveUnit();
      server.outer = undefined;
      call.client = caller;
      call.db = db;
      call.args = args;
      call.command = command;
      call.reply = reply;
      this.caller = this.callerArgs = this.interpreter = undefined;
      if (server.isBusy) {
        server.isBusy = false;
        keyspace.setNow(now);
      }
      this.reply.reset();
    }
    server.lapFrom(began);
    reply.raw(interpreter.out, 0, control[Control.OUT_LENGTH]);
    interpreter.shrink();
  }

  // ---- asked by the script ---------------------------------------------------------------------------------------------

  command(from: Interpreter): void {
    const { args, client, reply } = this;
    from.takeArguments(args);
    reply.reset();
    reply.resp = client.resp = from.control[Control.SCRIPT_RESP];
    const command = this.find(args);
    const why = this.refusal(command, args);
    if (why !== undefined) {
      reply.error(why);
      if (command !== undefined) command.rejected++;
    } else {
      if ((command as Command).isWrite) this.hasWritten = true;
      this.runCommand(command as Command, args, from.control[Control.REPLICATION]);
    }
    from.replied(reply.bytes, reply.length);
  }

  private runCommand(command: Command, args: Args, replication: number): void {
    const { client, server } = this;
    const { propagation } = server;
    server.processed++;
    server.lap();
    const { isOn } = propagation;
    // What is to be told nobody.
    if (isOn && replication === 0) propagation.isOn = false;
    try {
      run(server, client, command, args);
    } finally {
      propagation.isOn = isOn;
    }
    const { caller } = this;
    if (caller?.tracking !== undefined && command.flags.has("readonly")) this.track(caller);
  }

  /** What its script reads a client tracks: the keys that it has named. */
  private track(caller: Client): void {
    const { callerArgs, server } = this;
    const { tracking } = caller;
    if (tracking === undefined || callerArgs === undefined) return;
    server.tracker.rememberScript(caller, tracking, callerArgs);
  }

  private find(args: Args): Command | undefined {
    const found = this.server.commands.find(args);
    if (found === undefined || !found.hasSubcommands || args.count < 2) return found;
    return found.subcommands.get(args.text(1).toLowerCase());
  }

  private refusal(command: Command | undefined, args: Args): string | undefined {
    if (command === undefined) return "ERR Unknown Redis command called from script";
    if (command.arity > 0 ? args.count !== command.arity : args.count < -command.arity)
      return "ERR Wrong number of args calling Redis command from script";
    if (command.forbidsScripts && !this.allowsAll) return "ERR This Redis command is not allowed from script";
    const { client, server } = this;
    if (client.user?.isUnlimited !== true) {
      const reason = server.acl.denialInScript(this.caller as Client, command, args);
      if (reason !== undefined) return `ERR The user executing the script ${DENIALS[reason]}`;
    }
    if (this.isReadOnly && command.changesData) return "ERR Write commands are not allowed from read-only scripts.";
    const caller = this.caller as Client;
    if (server.replication.isStale && !command.flags.has("stale") && !caller.isObeyed)
      return "ERR Can not execute the command on a stale replica";
    if (command.isWrite && !caller.isObeyed) {
      const why =
        (server.rdb.isRefusing || server.aof.error !== undefined
          ? refusalOfFiles(server, caller, command)
          : undefined) ??
        (server.replication.isRestricted ? refusalOfReplication(server, caller, command, args) : undefined);
      if (why !== undefined) return why;
    }
    if (this.wasOut && !this.allowsNoMemory && !this.hasWritten && command.deniesOutOfMemory) return OUT_OF_MEMORY;
    return server.memory.refusalWithin(command, args);
  }

  mayRun(from: Interpreter): number {
    from.takeArguments(this.args);
    const command = this.find(this.args);
    if (command === undefined) return -1;
    const { user } = this.client;
    return user === undefined || this.server.acl.mayRun(user, command, this.args) ? 1 : 0;
  }

  log(level: number, text: string): void {
    if (level >= LEVELS.indexOf(this.server.config.loglevel)) this.server.note(`script: ${text}`);
  }

  failed(code: string | undefined): void {
    const { outer } = this.server;
    if (outer === undefined) return;
    if (code === undefined) outer.errors++;
    else outer.countError(code);
  }

  // ---- one that runs for long ------------------------------------------------------------------------------------------

  slow(): boolean {
    this.server.isBusy = true;
    if (!this.isKilled) this.busy.serve(this.caller as Client);
    return this.isKilled;
  }

  /** SCRIPT KILL, FUNCTION KILL; a text: why not. */
  kill(isEval: boolean): string | undefined {
    if (this.caller === undefined) return "NOTBUSY No scripts in execution right now.";
    if (this.hasWritten)
      return (
        "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the " +
        "script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
      );
    if (isEval !== this.isEval) return this.busyError;
    this.isKilled = true;
    return undefined;
  }

  /** The server ends, and does not wait for it. */
  end(): void {
    this.isKilled = true;
  }

  /** What all hear who may not interrupt it. */
  get busyError(): string {
    return `BUSY Redis is busy running a script. You can only call ${this.isEval ? "SCRIPT" : "FUNCTION"} KILL or SHUTDOWN NOSAVE.`;
  }
}

const LEVELS: readonly string[] = ["debug", "verbose", "notice", "warning"];
