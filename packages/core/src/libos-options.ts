/**
 * What openLibOS() takes, as the compiler sees it: it knows the options of the backends that a program imports. At run time every option
 * is checked against the chosen backend's schema, imported or not.
 */
import type { CoreOptions } from "./config.js";

/**
 * Network backends by name, with their options. The package of a backend adds itself:
 *
 * ```ts
 * declare module "@demikernel/core" {
 *   interface NetworkBackends {
 *     posix: PosixOptions;
 *   }
 * }
 * ```
 *
 * A program that says `import type {} from "@demikernel/libos-posix"` has its options checked by the compiler, and loads nothing by that.
 */
export interface NetworkBackends {
  memory: Record<never, never>;
}

/** Storage engines by name, with their options; added to as {@link NetworkBackends}. */
// biome-ignore lint/suspicious/noEmptyInterface: packages add to it
export interface StorageBackends {}

/** What to open, whatever is beneath. */
interface Choice<L extends string, S extends string> extends Partial<CoreOptions> {
  /** The network backend's name; default: env LIBOS, else the configuration file's `libos`, else the only one installed. */
  libos?: L;
  /**
   * The storage engine that open() and creat() make queues of, beside the network's sockets; default: the configuration file's `storage`,
   * else none. null: none, whatever the file says.
   */
  storage?: S | null;
  /** A YAML file with options; default: env DEMI_CONFIG. What is given here beats what the file says. */
  config?: string;
  /** Where to look for backends first: a path or file: URL inside the application; default: the running script, then the working directory. */
  from?: string;
}

type Unchecked = Record<string, unknown>;

/** A network backend's options, flat or in a map under its name. Of one that is not imported any. */
type NetworkOptions<L extends string> = L extends keyof NetworkBackends
  ? NetworkBackends[L] & { [N in L]?: NetworkBackends[N] }
  : Unchecked;

/** A storage engine's options, in a map under its name. */
type StorageOptions<S extends string> = [S] extends [never]
  ? unknown
  : S extends keyof StorageBackends
    ? { [N in S]?: StorageBackends[N] }
    : string extends S
      ? Unchecked
      : { [N in S]?: Unchecked };

/** Where no `libos` is named: the imported backends', or, where none is imported, any. */
export type ImportedBackend = Exclude<keyof NetworkBackends, "memory"> extends never ? string : keyof NetworkBackends;

/**
 * The options of openLibOS(): core's, the network backend's (`engine: "epoll"`, or `posix: { engine: "epoll" }`), and the storage engine's
 * under its name. `LibOSOptions<"posix">` are those for one backend; without a name keys are not checked by the compiler.
 */
export type LibOSOptions<L extends string = string, S extends string = string> = Choice<L, S> &
  NetworkOptions<NoInfer<L>> &
  StorageOptions<NoInfer<S>>;
