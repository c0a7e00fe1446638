/** demi-echo server */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { type Command, Option } from "commander";
import { serveDatagrams } from "../datagram-server.js";
import { serveConnections } from "../echo-server.js";
import { Failure } from "../failure.js";
import { addBackendOptions, asFailure, type BackendOptions, openBackend } from "../libos.js";
import { familyOf, formatEndpoint, parseHost, parseLocalPort } from "../options.js";
import { closeAll, Served } from "../served.js";
import { onStopSignal } from "../signals.js";

interface ServerOptions extends BackendOptions {
  host: string;
  port: number;
  udp?: boolean;
  framing: "stream" | "dmtr";
}

export function registerServer(program: Command): void {
  const command = program
    .command("server")
    .description("send back what arrives, until SIGINT or SIGTERM")
    .option("--host <address>", "address to listen on", parseHost, "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 for any free one", parseLocalPort, 12345)
    .option("--udp", "serve datagrams instead of TCP connections")
    .addOption(framingOption());
  addBackendOptions(command).action(serve);
}

export function framingOption(): Option {
  return new Option("--framing <name>", "stream: plain bytes; dmtr: the message format of the C++ Demikernel")
    .choices(["stream", "dmtr"])
    .default("stream");
}

async function serve(options: ServerOptions): Promise<void> {
  const os = await openBackend(options);
  const served = new Served();
  const listener = listenOn(os, options);
  const stopped = onStopSignal(() => os.stop());
  console.log(`listening on ${formatEndpoint(os.getsockname(listener))} (${os.name}, ${os.engine})`);
  try {
    await (options.udp ? serveDatagrams : serveConnections)(os, listener, served);
  } finally {
    stopped();
  }
  const { queues, outstanding } = closeAll(os, [...served.connections, listener]);
  const connections = options.udp ? "" : `${served.accepted} connections, `;
  console.log(
    `served ${connections}${served.messages} messages, ${served.bytes} bytes, ${served.cpuSeconds().toFixed(2)} s of CPU`,
  );
  console.log(`left open: ${queues} queues, ${outstanding} outstanding operations`);
  if (queues > 0 || outstanding > 0) throw new Failure("the backend did not complete all operations in time");
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
