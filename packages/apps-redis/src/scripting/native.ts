/** The addon with Lua: what it exports (native/addon.cc), and why it is not there where it is not. */
import { type AddonPackages, loadAddon } from "@demikernel/core/backend";

/** A function of a library, as redis.register_function told it. */
export interface NativeFunction {
  name: string;
  description?: string;
  /** {@link ScriptFlag}s. */
  flags: number;
  reference: number;
}

export interface NativeInterpreter {
  /** Runs what the control words say. */
  run(): void;
  /** Memory that both sides look into: 0 the table of arguments, 1 their bytes, 2 the reply of the script, 3 that of a command. */
  give(which: number, bytes: Uint8Array): void;
  /** The number of a script; a text: why there is none. */
  compile(source: Uint8Array, name: string): number | string;
  release(reference: number): void;
  /** The functions of a library, whose source runs at most so many milliseconds (0: any time); a text: why there are none. */
  load(source: Uint8Array, milliseconds: number): NativeFunction[] | string;
  /** Bytes. */
  memory(): number;
  /** Milliseconds for which it runs. */
  runningFor(): number;
}

export interface LuaAddon {
  Interpreter: new (
    answer: () => void,
    control: Int32Array,
    hasFunctions: boolean,
    memory: number,
  ) => NativeInterpreter;
  /** 40 hexadecimal digits. */
  sha1(bytes: Uint8Array): string;
}

const PACKAGES: AddonPackages = { build: "g++ make cmake pkg-config liblua5.1-0-dev", runtime: "liblua5.1-0" };

let loaded: LuaAddon | undefined;
let lacking: string | undefined;

/** The addon; a text: how to get it. It is looked for once. */
export function luaAddon(): LuaAddon | string {
  if (loaded === undefined && lacking === undefined) {
    try {
      loaded = loadAddon(import.meta.url, PACKAGES) as unknown as LuaAddon;
    } catch (error) {
      lacking = `there are no scripts here: ${(error as Error).message}`;
    }
  }
  return loaded ?? (lacking as string);
}
