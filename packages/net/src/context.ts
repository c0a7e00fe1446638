/**
 * In whose name listeners run: what AsyncLocalStorage has where connect() or listen() was called, as behind node:net, whose handles
 * remember it. All completions come from one run loop, which has none: each socket has its own, so that what a listener enters
 * (AsyncLocalStorage.enterWith) stays with its connection, and no other one finds it.
 */
import { AsyncResource } from "node:async_hooks";

const NAME = "DEMIKERNELSOCKET";
/** Nobody's: that in which this was loaded. */
const outside = new AsyncResource(NAME);

/** What there is now. */
export const presentContext = (): AsyncResource => new AsyncResource(NAME);

/** With nothing in it: of who is made by a completion. */
export const ownContext = (): AsyncResource => outside.runInAsyncScope(presentContext);
