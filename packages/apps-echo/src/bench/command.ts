/** demi-echo bench: its options. */

import { type Command, InvalidArgumentError } from "commander";
import { parseHost, wholeNumber } from "../options.js";
import type { Device } from "./servers.js";

export interface Options extends Device {
  libos?: string;
  connections: number[];
  rounds: number;
  seconds: number;
  size: number;
  quick?: boolean;
  log?: boolean;
  rows?: string[];
  seed?: number;
  json?: string;
  svg?: string;
}

const HELP = `
A backend that does not use kernel sockets is measured on what its options name, beside C and node:net over the kernel's loopback:
  demi-echo bench --libos dpdk --config demi.yaml --host 10.7.0.2
          the load comes from the kernel, in C, over an interface that leads to the device
  demi-echo bench --libos dpdk --config server.yaml --host 10.7.0.2 --client-config client.yaml
          the load comes from demi-echo's client on the device at the other end: two processes, no kernel between them
  demi-echo bench --libos rdma --config demi.yaml --client-config demi.yaml
          a backend without kernel sockets as peers also needs that client, and one file will do for both; the file's provider
          names the rows: verbs (RDMA), or tcp or shm, which are not RDMA

Exit codes: 0 done, 1 a server or the load generator failed, 130 interrupted`;

export function registerBench(program: Command): void {
  program
    .command("bench")
    .description("measure the echo server beside C (epoll, io_uring) and node:net, paired in interleaved rounds")
    .option("--libos <name>", "measure this backend only", process.env.LIBOS || undefined)
    .option("--config <file>", "YAML file with the backend's options, as for the other commands; for one backend")
    .option("--host <address>", "address our server listens on, for a backend that has its own address", parseHost)
    .option(
      "--client-config <file>",
      "YAML file of a second libOS that our client is run on, for a device the kernel does not reach",
    )
    .option("--connections <list>", "numbers of connections, separated by commas", connectionList, [1, 16, 64, 256])
    .option("--rounds <n>", "rounds of each comparison", wholeNumber("Rounds", 1, 1000), 7)
    .option("--seconds <s>", "measured seconds per server and round", seconds, 0.6)
    .option("--size <bytes>", "bytes in a message", wholeNumber("A size", 1, 1 << 20), 64)
    .option(
      "--quick",
      "1 and 64 connections, 3 rounds of 0.2 s, where nothing else is said: to see that it works, not to believe",
    )
    .option(
      "--log",
      "every message is durable before it is echoed: posix with spdk on a file, beside C that writes and synchronises each",
    )
    .option("--rows <list>", "only servers whose name contains one of these, separated by commas", nameList)
    .option("--seed <n>", "seed of the order within the rounds", wholeNumber("A seed", 0, 0xffffffff))
    .option("--json <file>", "where the results go (default: bench-results/echo.json)")
    .option("--svg <file>", "where the main plot goes (default: bench-results/echo.svg)")
    .addHelpText("after", HELP)
    .action(async (options: Options, command: Command) => {
      // What plots and tables are made with takes as long to load as all the rest, and the other commands do without.
      const { bench } = await import("./run.js");
      await bench(options, command);
    });
}

function connectionList(text: string): number[] {
  return nameList(text).map(wholeNumber("A number of connections", 1, 4096));
}

function nameList(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => name === "")) throw new InvalidArgumentError("A list is separated by single commas.");
  return names;
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0.05 && value <= 60)) {
    throw new InvalidArgumentError(`Seconds are a number from 0.05 to 60, not "${text}".`);
  }
  return value;
}
