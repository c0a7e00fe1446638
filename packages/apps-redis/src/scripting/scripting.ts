/** Scripts and functions: their interpreters, which are made when they are first needed, what is known of them, and what runs. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import type { Server } from "../server/server.js";
import { ScriptFlag, shebangOf } from "./flags.js";
import { Interpreter } from "./interpreter.js";
import { Libraries, LibraryError } from "./libraries.js";
import { type LuaAddon, luaAddon } from "./native.js";
import { ScriptCache } from "./script-cache.js";
import { ScriptRun } from "./script-run.js";

/** Bytes that scripts may have together, and functions: what needs more ends with an error. */
export const MOST_MEMORY = 1024 * 1024 * 1024;

export class Scripting {
  readonly libraries = new Libraries(() => this.functionsInterpreter());
  private cache: ScriptCache | undefined;
  private functions: Interpreter | undefined;
  private running: ScriptRun | undefined;

  constructor(
    private readonly server: Server,
    private readonly memory = MOST_MEMORY,
  ) {}

  /** Made late: it looks at what the server has. */
  get current(): ScriptRun {
    this.running ??= new ScriptRun(this.server);
    return this.running;
  }

  /** A text: how to get what scripts need. */
  scripts(): ScriptCache | string {
    if (this.cache !== undefined) return this.cache;
    const addon = luaAddon();
    if (typeof addon === "string") return addon;
    this.cache = new ScriptCache(addon, new Interpreter(addon, this.current, false, this.memory));
    return this.cache;
  }

  functionsInterpreter(): Interpreter {
    if (this.functions !== undefined) return this.functions;
    const addon: LuaAddon | string = luaAddon();
    if (typeof addon === "string") throw new LibraryError(addon);
    this.functions = new Interpreter(addon, this.current, true, this.memory);
    return this.functions;
  }

  /** SCRIPT FLUSH: with the scripts goes all that they have left in their interpreter. */
  flush(): void {
    this.cache = undefined;
  }

  /** Of the script or the function that a command is to run; undefined: it is not known, or says nothing. */
  flagsOf(command: Command, args: Args): number | undefined {
    const flags = this.knownFlags(command.name, args);
    return flags === undefined || (flags & ScriptFlag.COMPATIBLE) !== 0 ? undefined : flags;
  }

  private knownFlags(name: string, args: Args): number | undefined {
    if (name.startsWith("fcall")) return this.libraries.functions.get(args.text(1).toLowerCase())?.flags;
    if (name.startsWith("evalsha")) return this.cache?.findBySha(args, 1)?.flags;
    const known = this.cache?.find(args, 1);
    if (known !== undefined) return known.flags;
    const at = args.at(1);
    if (args.bytes[at] !== 35 || args.bytes[at + 1] !== 33) return undefined;
    const shebang = shebangOf(args.text(1));
    return typeof shebang === "string" ? undefined : shebang.flags;
  }

  /** What INFO tells. */
  get facts(): {
    evalMemory: number;
    functionsMemory: number;
    scripts: number;
    scriptsMemory: number;
    librariesMemory: number;
  } {
    return {
      evalMemory: this.cache?.interpreter.native.memory() ?? 0,
      functionsMemory: this.functions?.native.memory() ?? 0,
      scripts: this.cache?.bySha.size ?? 0,
      scriptsMemory: this.cache?.memory ?? 0,
      librariesMemory: this.libraries.memory,
    };
  }
}
