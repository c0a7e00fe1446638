/** demi-echo client */
import type { LibOS } from "@demikernel/core";
import type { Command } from "commander";
import { awaitServer } from "../await-server.js";
import { EchoClient } from "../echo-client.js";
import { Exit, Failure } from "../failure.js";
import { addBackendOptions, asFailure, type BackendOptions, openBackend } from "../libos.js";
import { duration, LARGEST_DATAGRAM, LARGEST_MESSAGE, parseHost, parsePort, wholeNumber } from "../options.js";
import { type ClientReport, formatReport, reportOf } from "../report.js";
import { closeAll } from "../served.js";
import { onStopSignal } from "../signals.js";
import { framingOption } from "./server.js";

/** dmtr: header and one segment length. */
const DMTR_OVERHEAD = 16;

interface Options extends BackendOptions {
  host: string;
  port: number;
  size: number;
  iterations: number;
  clients: number;
  udp?: boolean;
  framing: "stream" | "dmtr";
  timeout: number;
  wait?: number;
  json?: boolean;
}

export function registerClient(program: Command): void {
  const command = program
    .command("client")
    .description("send messages to an echo server, check every byte that comes back, report latencies")
    .option("--host <address>", "the server's address", parseHost, "127.0.0.1")
    .option("--port <number>", "the server's port", parsePort, 12345)
    .option("-s, --size <bytes>", "bytes in a message", wholeNumber("A size", 1, LARGEST_MESSAGE), 64)
    .option("-i, --iterations <n>", "messages, over all clients", wholeNumber("Iterations", 1, 1_000_000_000), 10_000)
    .option("-c, --clients <n>", "connections, each with one message under way", wholeNumber("Clients", 1, 10_000), 1)
    .option("--udp", "send datagrams; one without an answer is lost, and not sent again")
    .addOption(framingOption())
    .option(
      "--timeout <ms>",
      "milliseconds a connection or an echo may take",
      wholeNumber("A timeout", 1, 3_600_000),
      5000,
    )
    .option("--wait <time>", "wait so long for the server to come up, as in 10s", duration("A wait"))
    .option("--json", "print the result as JSON");
  addBackendOptions(command)
    .addHelpText(
      "after",
      "\nExit codes: 0 all came back, 1 failed, 2 datagrams lost, 3 wrong bytes came back, 130 interrupted",
    )
    .action(measure);
}

async function measure(options: Options): Promise<void> {
  const largest = options.udp ? LARGEST_DATAGRAM - (options.framing === "dmtr" ? DMTR_OVERHEAD : 0) : LARGEST_MESSAGE;
  if (options.size > largest)
    throw new Failure(`a datagram has at most ${largest} bytes here, --size asks for ${options.size}`);

  const os = await openBackend(options);
  let interrupted = false;
  const client = new EchoClient(os, {
    to: { host: options.host, port: options.port },
    kind: options.udp ? "udp" : "tcp",
    framing: options.framing,
    size: options.size,
    iterations: options.iterations,
    clients: options.clients,
    timeout: options.timeout,
  });
  const off = onStopSignal(() => {
    interrupted = true;
    client.stop();
  });
  try {
    if (options.wait !== undefined) {
      const { host, port, udp, framing, wait } = options;
      const to = { host, port };
      await awaitServer(os, { to, kind: udp ? "udp" : "tcp", framing, wait, interrupted: () => interrupted });
    }
    if (!interrupted) await runWithProgress(client, os, options);
    const report = reportOf(client, os, options, interrupted);
    closeAll(os, client.connections.keys());
    if (report.completed > 0 || client.failure === undefined) {
      console.log(options.json ? JSON.stringify(report) : formatReport(report));
    }
    if (client.firstMismatch) console.error(`demi-echo: mismatch: ${client.firstMismatch}`);
    if (client.failure) throw client.failure;
    process.exitCode = exitCodeOf(report);
  } finally {
    off(); // not before: a Ctrl-C while the connections are being closed would take the report along
  }
}

async function runWithProgress(client: EchoClient, os: LibOS, options: Options): Promise<void> {
  const progress = setInterval(() => showProgress(client, options), 1000);
  try {
    await client.run();
  } catch (error) {
    os.destroy();
    throw asFailure(error, "cannot run the client");
  } finally {
    clearInterval(progress);
  }
}

function exitCodeOf(report: ClientReport): number {
  if (report.mismatches > 0) return Exit.MISMATCH;
  if (report.interrupted) return Exit.INTERRUPTED;
  return report.lost > 0 ? Exit.LOST : Exit.OK;
}

function showProgress(client: EchoClient, { iterations }: Options): void {
  const rate = Math.round(client.completed / (client.elapsed() / 1000 || 1));
  const percent = Math.floor((100 * (client.completed + client.lost + client.mismatches)) / iterations);
  const line = `${String(percent).padStart(3)}%  ${client.completed} of ${iterations} echoes, ${rate}/s, ${client.lost} lost`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}
