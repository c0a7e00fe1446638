/// <reference types="node" preserve="true" />
/**
 * The conformance suite: the contract of docs/architecture.md, executable. A backend runs it in three lines of a jest test:
 *
 * ```ts
 * import { conformance } from "@demikernel/conformance";
 *
 * conformance({ name: "mine", features, open: (options) => openLibOS({ libos: "mine", ...options }) });
 * ```
 */
export type { CaseContext, CaseFunction, ConformanceCase, Subject } from "./case.js";
export { type CaseResult, execute } from "./execute.js";
export { generator } from "./payload.js";
export type { PeerDatagramSocket, PeerServer, PeerSocket, Peers } from "./peers.js";
export { conformance, globalHarness, type Harness, ownLoops, runConformance, type Selection } from "./run.js";
export { suite } from "./suite.js";
export type { ConformanceTarget, Need, OpenOverrides, PeerAbility } from "./target.js";
export { spin, type WakeUpRounds, wakeUpRounds, watchRounds } from "./wake-ups.js";
export { conformanceWhere, declareWhere, type WhereOptions, whyNotOpen } from "./where.js";
export { conformanceInWorker } from "./worker.js";
