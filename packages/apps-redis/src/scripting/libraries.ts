/** Libraries of functions. They are part of the dataset: RDB files have their sources. */

import { libraryHeadOf } from "./flags.js";
import type { Interpreter } from "./interpreter.js";
import type { NativeFunction } from "./native.js";

export interface ScriptFunction extends NativeFunction {
  library: Library;
}

export interface Library {
  name: string;
  /** As FUNCTION LOAD had it, latin1. */
  source: string;
  functions: Map<string, ScriptFunction>;
}

const WRONG_NAME =
  "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long";
/** Milliseconds for which a library may run while it is loaded. */
export const LOAD_LIMIT = 500;
/** Bytes that a function and a library take beside their texts. */
const OVERHEAD = 150;

/** Why something was not done, as a reply tells it behind ERR. */
export class LibraryError extends Error {}

export class Libraries {
  readonly all = new Map<string, Library>();
  /** Of all libraries, by their names in lower case. */
  readonly functions = new Map<string, ScriptFunction>();

  /** `interpreter`: made when it is first needed; throws LibraryError where there is none. */
  constructor(private readonly interpreter: () => Interpreter) {}

  /** What files keep of them. */
  *sources(): Iterable<string> {
    for (const { source } of this.all.values()) yield source;
  }

  /** Adds a library; returns its name. Throws LibraryError, and changes nothing then. `milliseconds`: 0 for any time. */
  load(source: string, replace: boolean, milliseconds = 0): string {
    const made = this.make(source, milliseconds, (name) => {
      if (!replace && this.all.has(name)) throw new LibraryError(`Library '${name}' already exists`);
    });
    const had = this.all.get(made.name);
    for (const [name, { library }] of collisions(made, this.functions)) {
      if (library === had) continue;
      this.release(made);
      throw new LibraryError(`Function ${name} already exists`);
    }
    if (had !== undefined) this.remove(had);
    this.link(made);
    return made.name;
  }

  /** False: there is none of that name. */
  delete(name: string): boolean {
    const library = this.all.get(name);
    if (library === undefined) return false;
    this.remove(library);
    return true;
  }

  flush(): void {
    for (const library of [...this.all.values()]) this.remove(library);
  }

  /** FUNCTION RESTORE: all of them or none. Throws LibraryError. */
  restore(sources: readonly string[], policy: "append" | "replace" | "flush"): void {
    const made = new Map<string, Library>();
    const functions = new Map<string, ScriptFunction>();
    try {
      for (const source of sources) {
        const library = this.make(source, 0, (name) => {
          if (made.has(name)) throw new LibraryError(`Library '${name}' already exists`);
        });
        made.set(library.name, library);
        for (const [name] of collisions(library, functions)) throw new LibraryError(`Function ${name} already exists`);
        for (const [name, one] of library.functions) functions.set(name.toLowerCase(), one);
      }
      const stays = (library: Library): boolean => policy !== "flush" && !made.has(library.name);
      for (const { name } of made.values()) {
        if (policy === "append" && this.all.has(name)) throw new LibraryError(`Library ${name} already exists`);
      }
      for (const [name, { library }] of this.functions) {
        const other = functions.get(name);
        if (other !== undefined && stays(library)) throw new LibraryError(`Function ${other.name} already exists`);
      }
      for (const library of [...this.all.values()]) if (!stays(library)) this.remove(library);
    } catch (error) {
      for (const library of made.values()) this.release(library);
      throw error;
    }
    for (const library of made.values()) this.link(library);
  }

  get memory(): number {
    let bytes = 0;
    for (const { name, source } of this.all.values()) bytes += name.length + source.length + OVERHEAD;
    for (const { name, description } of this.functions.values())
      bytes += name.length + (description?.length ?? 0) + OVERHEAD;
    return bytes;
  }

  private make(source: string, milliseconds: number, check: (name: string) => void): Library {
    const head = libraryHeadOf(source);
    if (typeof head === "string") throw new LibraryError(head);
    const { engine, length, name } = head;
    if (!/^[a-zA-Z0-9_]+$/.test(name)) throw new LibraryError(WRONG_NAME);
    if (!/^lua$/i.test(engine)) throw new LibraryError(`Engine '${engine}' not found`);
    check(name);
    const loaded = this.interpreter().native.load(Buffer.from(source.slice(length), "latin1"), milliseconds);
    if (typeof loaded === "string") throw new LibraryError(loaded);
    if (loaded.length === 0) throw new LibraryError("No functions registered");
    const library: Library = { name, source, functions: new Map() };
    for (const one of loaded) library.functions.set(one.name, { ...one, library });
    return library;
  }

  private link(library: Library): void {
    this.all.set(library.name, library);
    for (const [name, one] of library.functions) this.functions.set(name.toLowerCase(), one);
  }

  private remove(library: Library): void {
    this.all.delete(library.name);
    for (const name of library.functions.keys()) this.functions.delete(name.toLowerCase());
    this.release(library);
  }

  private release({ functions }: Library): void {
    for (const { reference } of functions.values()) this.interpreter().native.release(reference);
  }
}

function* collisions(
  library: Library,
  functions: ReadonlyMap<string, ScriptFunction>,
): Iterable<[string, ScriptFunction]> {
  for (const name of library.functions.keys()) {
    const other = functions.get(name.toLowerCase());
    if (other !== undefined) yield [name, other];
  }
}
