/**
 * `node --import @demikernel/net/register app.js`: what the application and its libraries listen on or connect to by TCP goes through the
 * libOS that LIBOS and DEMI_CONFIG choose; pipes, descriptors, datagrams and names stay Node's. DEMI_NET=listen, or connect, limits it to one.
 */
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
import { patchConnecting } from "./patch/connecting.js";
import { patchListening } from "./patch/listening.js";
import { leaveUnreachable } from "./patch/reach.js";
import { patchSending } from "./patch/sending.js";
import { usesOf } from "./patch/uses.js";
import { defaultStack } from "./stack.js";

/** On globalThis: another copy of this package may be there. */
const REGISTERED = Symbol.for("@demikernel/net/register");

async function register(): Promise<void> {
  const uses = usesOf(process.env.DEMI_NET);
  // Now, so that listen() is as synchronous as Node's.
  await defaultStack();
  leaveUnreachable();
  if (uses.has("listen")) patchListening();
  if (uses.has("connect")) patchConnecting();
  patchSending();
  syncBuiltinESMExports();
}

const registered = globalThis as { [REGISTERED]?: Promise<void> };
registered[REGISTERED] ??= register();
try {
  await registered[REGISTERED];
} catch (error) {
  // A Worker's owner hears of it by its 'error'.
  if (!isMainThread) throw error;
  console.error(`@demikernel/net/register: ${(error as Error).message}`);
  process.exit(1);
}
