/**
 * In whose name listeners run: what AsyncLocalStorage has where connect() or listen() was called, as behind node:net, whose handles
 * remember it. All completions come from one run loop, which has none.
 */
import { AsyncResource, executionAsyncResource } from "node:async_hooks";

/** From here on AsyncLocalStorage keeps what it has elsewhere than in {@link executionAsyncResource}. */
const FIRST_WITH_FRAMES = 24;
const hasFrames = Number.parseInt(process.versions.node, 10) >= FIRST_WITH_FRAMES;

/** undefined where there is nothing to remember, as mostly: then it costs nothing. */
export function presentContext(): AsyncResource | undefined {
  if (!hasFrames && !Object.getOwnPropertySymbols(executionAsyncResource()).some(isStore)) return undefined;
  return new AsyncResource("DEMIKERNELSOCKET");
}

const isStore = ({ description }: symbol): boolean => description === "kResourceStore";
