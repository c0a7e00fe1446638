/** Waiting for an echo server that is still on its way up: `demi-echo client --wait`. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Address,
  errorName,
  type LibOS,
  Opcode,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
} from "@demikernel/core";
import { Failure } from "./failure.js";
import { familyOf, formatEndpoint } from "./options.js";

/** Milliseconds between two tries, and of one that nobody answers. */
const PAUSE = 50;
const TRY = 1000;
const ITSELF = "nobody but this client is there";

export interface Awaited {
  to: Address;
  kind: "tcp" | "udp";
  framing: "stream" | "dmtr";
  /** Milliseconds. */
  wait: number;
  /** Asked from time to time: whether to give up. */
  interrupted(): boolean;
}

/**
 * Resolves when the server has accepted a connection, which is closed again, or has sent back a datagram of one byte; or when interrupted.
 * Rejects with a Failure that names the last error when it has not within the time.
 */
export async function awaitServer(os: LibOS, { to, kind, framing, wait, interrupted }: Awaited): Promise<void> {
  const deadline = performance.now() + wait;
  let told = false;
  for (;;) {
    const qd = os.socket(kind, { family: familyOf(to.host), framing });
    let said: string | undefined;
    try {
      said = await tryOnce(os, qd, to, kind, Math.min(deadline, performance.now() + TRY), interrupted);
    } finally {
      os.close(qd);
    }
    if (said === undefined || interrupted()) return;
    if (performance.now() >= deadline) {
      throw new Failure(`no server answered at ${formatEndpoint(to)} within ${wait / 1000} s: ${said}`);
    }
    if (!told) console.error(`waiting for a server at ${formatEndpoint(to)}: ${said}`);
    told = true;
    await sleep(PAUSE);
  }
}

/** undefined when the server is there, else what is wrong. */
async function tryOnce(
  os: LibOS,
  qd: QueueDescriptor,
  to: Address,
  kind: "tcp" | "udp",
  deadline: number,
  interrupted: () => boolean,
): Promise<string | undefined> {
  const steps: (() => QueueToken)[] = [() => os.connect(qd, to)];
  if (kind === "udp")
    steps.push(
      () => os.push(qd, os.sga.from("?"), PushFlag.FREE),
      () => os.pop(qd),
    );
  for (const start of steps) {
    const qt = start();
    let done = os.poll(qt);
    while (done === undefined) {
      if (performance.now() >= deadline || interrupted()) {
        os.drop(qt);
        return "no answer";
      }
      await sleep(1);
      done = os.poll(qt);
    }
    if (done.opcode === Opcode.POP && done.sga !== 0) os.free(done.sga);
    if (done.result < 0) return errorName(done.result);
    // Where nobody listens, the kernel may give this socket that very port, and then connects it to itself.
    if (done.opcode === Opcode.CONNECT && formatEndpoint(os.getsockname(qd)) === formatEndpoint(to)) return ITSELF;
  }
  return undefined;
}
