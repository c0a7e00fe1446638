/** The longest that any command waited while something happened: {@link whilePinged}. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Histogram, pinned, raise } from "@demikernel/bench";

const PINGER = fileURLToPath(new URL("pinger.mjs", import.meta.url));

/** Summary, in microseconds, of the PINGs, or of what is asked instead, of a process on `cpu` while `act` ran. */
export async function whilePinged(port, cpu, act, { command = ["PING"] } = {}) {
  const [execPath, execArgv] = pinned(cpu, process.execPath, []);
  const child = fork(PINGER, [JSON.stringify({ port, command })], { execPath, execArgv });
  const died = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the client that sends PING ended by itself (${signal ?? `exit status ${code}`})`);
  });
  died.catch(() => undefined);
  const told = async () => {
    const [message] = await Promise.race([once(child, "message"), died]);
    if (message.error !== undefined) throw new Error(`PING: ${message.error}`);
    return message;
  };
  try {
    await told();
    raise(child.pid);
    child.send("start");
    await Promise.race([act(), died]);
    child.send("stop");
    return Histogram.from((await told()).buckets).summary();
  } finally {
    child.kill("SIGKILL");
  }
}
