/** demi-echo relay */
import type { Address } from "@demikernel/core";
import type { Command } from "commander";
import { Failure } from "../failure.js";
import { addBackendOptions, asFailure, type BackendOptions, openBackend } from "../libos.js";
import { familyOf, formatEndpoint, parseEndpoint, parseHost, parseLocalPort, wholeNumber } from "../options.js";
import { closeAll, Served } from "../served.js";
import { onStopSignal } from "../signals.js";
import { UdpRelay } from "../udp-relay.js";

interface Options extends BackendOptions {
  host: string;
  port: number;
  to: Address;
  maxClients: number;
  idle: number;
}

export function registerRelay(program: Command): void {
  const command = program
    .command("relay")
    .description("forward datagrams to one target, and its replies to the client that asked, until SIGINT or SIGTERM")
    .option("--host <address>", "address to listen on", parseHost, "127.0.0.1")
    .option("--port <number>", "port to listen on; 0 for any free one", parseLocalPort, 12345)
    .requiredOption("--to <host:port>", "where the datagrams go", parseEndpoint)
    .option(
      "--max-clients <n>",
      "clients remembered; one more replaces the longest silent",
      wholeNumber("Clients", 1, 10_000),
      1024,
    )
    .option(
      "--idle <seconds>",
      "seconds after which a silent client is forgotten",
      wholeNumber("Idle time", 1, 86_400),
      60,
    );
  addBackendOptions(command).action(relay);
}

async function relay(options: Options): Promise<void> {
  const { host, port, to } = options;
  const os = await openBackend(options);
  const served = new Served();
  const front = (() => {
    try {
      const qd = os.socket("udp", { family: familyOf(host) });
      os.bind(qd, { host, port });
      return qd;
    } catch (error) {
      os.destroy();
      throw asFailure(error, `cannot listen on udp ${formatEndpoint({ host, port })}`);
    }
  })();
  const udp = new UdpRelay(os, front, { target: to, maxClients: options.maxClients, idle: options.idle * 1000 });
  const off = onStopSignal(() => os.stop());
  console.log(
    `listening on ${formatEndpoint(os.getsockname(front))} (${os.name}, ${os.engine}), relaying to ${formatEndpoint(to)}`,
  );
  try {
    await udp.run();
  } finally {
    off();
  }
  const { queues, outstanding } = closeAll(os, udp.queues);
  const sum = ({ datagrams, bytes }: { datagrams: number; bytes: number }) => `${datagrams} datagrams (${bytes} bytes)`;
  console.log(`relayed ${sum(udp.forward)} to ${formatEndpoint(to)}, ${sum(udp.back)} back, ${udp.dropped} dropped`);
  console.log(`clients: ${udp.seen} seen, ${udp.forgotten} forgotten; ${served.cpuSeconds().toFixed(2)} s of CPU`);
  console.log(`left open: ${queues} queues, ${outstanding} outstanding operations`);
  if (queues > 0 || outstanding > 0) throw new Failure("the backend did not complete all operations in time");
}
