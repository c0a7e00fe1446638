/** The servers that are compared, and how each is started. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "@demikernel/bench";
import type { LoopMode } from "@demikernel/core";
import type { NativePrograms } from "./build-native.js";
import type { Engine } from "./engines.js";

/** The libOS that our client is opened on. */
export interface ClientLibOS {
  libos: string;
  config: string;
}

export interface RunningServer {
  child: Child;
  /** The server's, once it has said which engine it is on. */
  name: string;
  host: string;
  port: number;
  /** Only our own client on this libOS reaches it; undefined: the kernel does. */
  client?: ClientLibOS;
}

export interface Server {
  name: string;
  /** Which side of the comparison it is on. */
  side: "C" | "node:net" | "ours";
  /** Uses its CPU even when there is nothing to do: runs only while it is measured. */
  spins: boolean;
  command: string;
  args: readonly string[];
  /** What it must say of itself, beside that it listens. */
  expect?: string;
  /** The name of one that says that it is on this engine. */
  nameOn?: (engine: string) => string;
  /** Address it listens on, if it is not loopback's. */
  host?: string;
  client?: ClientLibOS;
}

const cli = fileURLToPath(new URL("../cli.js", import.meta.url));
const LOOPBACK = "127.0.0.1";
const nodeNetServer = fileURLToPath(new URL("./node-net-server.js", import.meta.url));

/** "listening on 127.0.0.1:12345 (libos, engine)" */
const LISTENING = /^listening.*:(\d+)\b(?: \(.*, (.*)\))?.*$/;

/** Rejects when the server ends, or is not ready within 10 s. */
export async function startServer(server: Server, cpu: number | undefined): Promise<RunningServer> {
  const child = new Child({ name: server.name, command: server.command, args: server.args, cpu });
  try {
    const [line, port, engine] = await child.ready(LISTENING);
    if (server.expect !== undefined && !line.includes(server.expect)) {
      throw new Error(`${server.name} says "${line}", expected ${server.expect}`);
    }
    const name = engine === undefined ? server.name : (server.nameOn?.(engine) ?? server.name);
    return { child, name, host: server.host ?? LOOPBACK, port: Number(port), client: server.client };
  } catch (error) {
    await child.stop();
    throw error;
  }
}

export function nodeNet(): Server {
  return { name: "node:net", side: "node:net", spins: false, command: process.execPath, args: [nodeNetServer] };
}

/** C on epoll and, if it could be built, on io_uring. */
export function baselines(programs: NativePrograms, busy: boolean): Server[] {
  const server = (name: string, command: string): Server => ({
    name: busy ? `${name} busy` : name,
    side: "C",
    spins: busy,
    command,
    args: busy ? ["--busy"] : [],
  });
  const epoll = server("C epoll", programs.epoll);
  return typeof programs.uring === "string" ? [epoll, server("C io_uring", programs.uring)] : [epoll];
}

/** Our servers: one per engine. The configuration files they need are in `directory`. */
export function ours(engines: readonly Engine[], loop: LoopMode, directory: string): Server[] {
  const severalBackends = new Set(engines.map(({ libos }) => libos)).size > 1;
  return engines.map(({ libos, engine, sleeps }) => {
    const args = [cli, "server", "--port", "0", "--libos", libos, "--loop", loop];
    if (engine !== undefined) {
      const config = join(directory, `${libos}-${engine}.yaml`);
      writeFileSync(config, `${libos}:\n  engine: ${engine}\n`);
      args.push("--config", config);
    }
    const what = [severalBackends || engine === undefined ? libos : undefined, engine].filter(Boolean).join(" ");
    return {
      name: `demi-echo ${what}${loop === "poll" ? " poll" : ""}`,
      side: "ours",
      spins: loop === "poll" || !sleeps,
      command: process.execPath,
      args,
      expect: engine === undefined ? libos : `${libos}, ${engine}`,
    };
  });
}

/** One backend on a device of the user's. */
export interface Device {
  /** Address of the server on it. */
  host?: string;
  /** The server's options, and for a device that the kernel does not reach those of a client that does. */
  config?: string;
  clientConfig?: string;
}

/** Our server on the backend, started as the user would. */
export function oursOn({ host, config, clientConfig }: Device, backend: Engine, loop: LoopMode): Server {
  const { libos, sleeps, choices } = backend;
  const named = (what: string) => `demi-echo ${what}${loop === "poll" ? " poll" : ""}`;
  const address = host === undefined ? [] : ["--host", host];
  const options = config === undefined ? [] : ["--config", config];
  return {
    name: named(libos),
    nameOn: (engine) => named(choices.has(engine) ? engine : libos),
    side: "ours",
    spins: loop === "poll" || !sleeps,
    command: process.execPath,
    args: [cli, "server", ...address, "--port", "0", "--libos", libos, "--loop", loop, ...options],
    expect: libos,
    host,
    client: clientConfig === undefined ? undefined : { libos, config: clientConfig },
  };
}

/** A directory for configuration files, removed when the process ends, however it does. */
export function configDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "demi-echo-bench-"));
  process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
