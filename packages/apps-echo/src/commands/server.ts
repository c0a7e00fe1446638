/** demi-echo server */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { type Command, Option } from "commander";
import { serveDatagrams } from "../datagram-server.js";
import { serveConnections } from "../echo-server.js";
import { Failure } from "../failure.js";
import {
  addBackendOptions,
  addStorageOptions,
  asFailure,
  type BackendOptions,
  openBackend,
  type StorageOptions,
} from "../libos.js";
import { Logged, serveLogged } from "../logged-echo-server.js";
import { familyOf, formatEndpoint, parseHost, parseLocalPort } from "../options.js";
import { closeAll, Served } from "../served.js";
import { onStopSignal } from "../signals.js";

interface ServerOptions extends BackendOptions, StorageOptions {
  host: string;
  port: number;
  udp?: boolean;
  framing: "stream" | "dmtr";
  log?: string;
}

export function registerServer(program: Command): void {
  const command = program
    .command("server")
    .description("send back what arrives, until SIGINT or SIGTERM")
    .option("--host <address>", "address to listen on", parseHost, "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 for any free one", parseLocalPort, 12345)
    .option("--udp", "serve datagrams instead of TCP connections")
    .addOption(framingOption())
    .option("--log <name>", "echo a message when it is durable in this log of the storage engine");
  addStorageOptions(addBackendOptions(command)).action(serve);
}

export function framingOption(): Option {
  return new Option("--framing <name>", "stream: plain bytes; dmtr: the message format of the C++ Demikernel")
    .choices(["stream", "dmtr"])
    .default("stream");
}

async function serve(options: ServerOptions): Promise<void> {
  if (options.log !== undefined && options.udp) throw new Failure("--log is for connections, not for --udp");
  const os = await openBackend(options);
  const served = new Served();
  const log = options.log === undefined ? undefined : openLog(os, options.log);
  const logged = new Logged((sentence) => console.error(`demi-echo: log "${options.log}": ${sentence}`));
  const listener = listenOn(os, options);
  const stopped = onStopSignal(() => os.stop());
  const engines = os.engines.map(({ name, engine }) => `${name}, ${engine}`).join("; ");
  console.log(`listening on ${formatEndpoint(os.getsockname(listener))} (${engines})`);
  try {
    if (options.udp) await serveDatagrams(os, listener, served);
    else if (log === undefined) await serveConnections(os, listener, served);
    else await serveLogged(os, listener, log, served, logged);
  } finally {
    stopped();
  }
  const queues = [...served.connections, listener, ...(log === undefined ? [] : [log])];
  const { queues: open, outstanding } = closeAll(os, queues);
  const connections = options.udp ? "" : `${served.accepted} connections, `;
  console.log(
    `served ${connections}${served.messages} messages, ${served.bytes} bytes, ${served.cpuSeconds().toFixed(2)} s of CPU`,
  );
  if (log !== undefined) {
    const refused = logged.refused === 0 ? "" : `, ${logged.refused} could not be appended`;
    console.log(`logged ${logged.messages} messages, ${logged.bytes} bytes${refused}`);
  }
  console.log(`left open: ${open} queues, ${outstanding} outstanding operations`);
  if (open > 0 || outstanding > 0) throw new Failure("the backend did not complete all operations in time");
}

/** Made if it is not there. Another engine's files would be bytes, and not records. */
function openLog(os: LibOS, name: string): QueueDescriptor {
  if (os.engines.length < 2) {
    os.destroy();
    throw new Failure(
      "--log needs a storage engine beside the network: npm install @demikernel/libos-spdk and add --storage spdk",
    );
  }
  try {
    return os.open(name, "a+", { durable: true });
  } catch (error) {
    os.destroy();
    throw asFailure(error, `cannot open log "${name}"`);
  }
}

/** A bound queue: a listener, or the datagram socket itself. */
function listenOn(os: LibOS, { host, port, udp, framing }: ServerOptions): QueueDescriptor {
  try {
    const qd = os.socket(udp ? "udp" : "tcp", { family: familyOf(host), framing });
    os.bind(qd, { host, port });
    if (!udp) os.listen(qd);
    return qd;
  } catch (error) {
    os.destroy();
    throw asFailure(error, `cannot listen on ${udp ? "udp" : "tcp"} ${formatEndpoint({ host, port })}`);
  }
}
