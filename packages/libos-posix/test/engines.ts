import { type LibOS, openLibOS, type QueueDescriptor } from "@demikernel/core";
import posix, { type PosixOptions } from "@demikernel/libos-posix";

type Engine = NonNullable<PosixOptions["engine"]>;

/** The engines that work here, with what `openLibOS` needs. Without io_uring only in CI a failure: {@link missingEngine} says why. */
export const engines: Engine[] = ["epoll"];
export let missingEngine: string | undefined;

const open = (engine: Engine) => openLibOS({ libos: "posix", engine, from: import.meta.url });
try {
  (await open("io_uring")).destroy();
  engines.push("io_uring");
} catch (error) {
  missingEngine = `io_uring: ${error instanceof Error ? error.message : String(error)}`;
  process.stderr.write(`skipped: ${missingEngine}\n`);
}

/** A libOS, and a listener on a port of the kernel's choice. */
export async function server(
  engine: Engine,
  family: 4 | 6 = 4,
): Promise<{ os: LibOS; listener: QueueDescriptor; port: number }> {
  const os = await open(engine);
  const listener = os.socket("tcp", { family });
  os.bind(listener, { host: family === 6 ? "::1" : "127.0.0.1", port: 0 });
  os.listen(listener);
  return { os, listener, port: os.getsockname(listener).port };
}

export { open, posix };
