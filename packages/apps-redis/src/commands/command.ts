/** What a command is: the lines that COMMAND, ACL and the dispatcher read, and what runs it. */
import type { Args } from "../protocol/args.js";
import type { Call } from "../server/call.js";
import type { Histogram } from "../server/histogram.js";

export type Handler = (call: Call) => void;

/** Where keys are among the arguments (Redis's key specifications): `begin` is an index or follows a keyword, then a range or a count. */
export interface KeySpec {
  /** Space-separated, as COMMAND INFO tells them: "RW access update". */
  flags: string;
  begin: { index: number } | { keyword: string; startFrom: number } | "unknown";
  /** `last`: relative to the first, negative from the end; `limit`: of the rest only 1/limit. `count`: where the number of keys stands. */
  find: { last: number; step: number; limit?: number } | { count: number; first: number; step: number } | "unknown";
  notes?: string;
}

/** An argument that is a key. */
export interface KeyArgument {
  /** Of the argument. */
  index: number;
  /** Of the specification: "RW access update". */
  flags: string;
}

export interface CommandSpec {
  /** Lower case; of a subcommand its own name only. */
  name: string;
  /** Arguments, the name (of a subcommand: both) included; negative: at least so many. */
  arity: number;
  /** Space-separated: "write denyoom fast". */
  flags: string;
  /** Space-separated, beyond those that follow from the flags: "string", "keyspace dangerous". */
  categories: string;
  group: string;
  since: string;
  complexity: string;
  summary: string;
  /** Space-separated, for clients that route or merge: "nondeterministic_output". */
  hints?: string;
  keys?: readonly KeySpec[];
  /** Where the keys are if that depends on the arguments: their indices, or with flags of their own; undefined: the arguments are wrong. */
  keysOf?: (args: Args) => readonly (number | KeyArgument)[] | undefined;
  handler?: Handler;
  subcommands?: readonly CommandSpec[];
}

/** Keys from argument `first` to `last`, each `step`: as almost all commands have them. */
export function keys(flags: string, first = 1, last = 0, step = 1): readonly KeySpec[] {
  return [{ flags, begin: { index: first }, find: { last, step } }];
}

/** A command as the server has it. */
export class Command {
  readonly flags: ReadonlySet<string>;
  readonly isWrite: boolean;
  /** It writes, or may do so beside what it is for: PFCOUNT. */
  readonly changesData: boolean;
  readonly deniesOutOfMemory: boolean;
  /** DEBUG, or a MODULE that changes which there are: a parameter says who may. */
  readonly isProtected: boolean;
  /** No script may call it. */
  readonly forbidsScripts: boolean;
  /** EVAL, FCALL and the like: what they run may say more of itself (Scripting.flagsOf). */
  readonly runsScript: boolean;
  readonly hasSubcommands: boolean;
  readonly subcommands: ReadonlyMap<string, Command>;
  readonly handler: Handler | undefined;
  readonly name: string;
  readonly arity: number;
  /** As errors and COMMAND STATS name it: "config|get". */
  readonly fullName: string;
  /** COMMAND STATS: microseconds with fractions. */
  calls = 0;
  microseconds = 0;
  rejected = 0;
  failed = 0;
  /** How long calls took, since the first with latency-tracking. */
  histogram: Histogram | undefined;

  /** As CONFIG RESETSTAT has it. */
  resetStatistics(): void {
    this.calls = this.microseconds = this.rejected = this.failed = 0;
    this.histogram = undefined;
    for (const sub of this.subcommands.values()) sub.resetStatistics();
  }

  constructor(
    readonly spec: CommandSpec,
    readonly container?: Command,
  ) {
    this.name = spec.name;
    this.arity = spec.arity;
    this.fullName = container === undefined ? spec.name : `${container.name}|${spec.name}`;
    this.handler = spec.handler;
    this.flags = new Set(spec.flags.split(" ").filter((flag) => flag !== ""));
    this.isWrite = this.flags.has("write");
    this.changesData = this.isWrite || this.flags.has("may_replicate");
    this.deniesOutOfMemory = this.flags.has("denyoom");
    this.forbidsScripts = this.flags.has("noscript");
    this.runsScript = this.container === undefined && /^(eval|fcall)/.test(this.name);
    this.isProtected = /^(debug|module\|(load|loadex|unload))$/.test(this.fullName);
    this.subcommands = new Map((spec.subcommands ?? []).map((one) => [one.name, new Command(one, this)]));
    this.hasSubcommands = this.subcommands.size !== 0;
  }
}
