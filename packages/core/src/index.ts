/// <reference types="node" preserve="true" />
/** One queue API over whatever the bytes travel on. Start at {@link openLibOS}. */
export type { CoreOptions, SizeClass } from "./config.js";
export { channels } from "./diagnostics.js";
export { type FoundBackend, findBackends, type Role } from "./discovery.js";
export { DemiError, errnoOf, errorName } from "./errors.js";
export type * from "./libos-options.js";
export { openLibOS } from "./open.js";
export * from "./types.js";
