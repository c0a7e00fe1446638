import { type ConformanceTarget, conformanceWhere, ownLoops } from "@demikernel/conformance";
import { whyNoAddon } from "../src/addon.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target, tcpTarget } from "./targets/tcp.mjs";

const queues = { whyNot: whyNoAddon, on: "queues" } as const;
await conformanceWhere(target as ConformanceTarget, { ...queues, inWorker: { on: "device" } });
// Once more as an application waits: asleep in Node's loop, with nothing but the completion queue's descriptor to wake it.
await conformanceWhere(tcpTarget("interrupt") as ConformanceTarget, { ...queues, without: ownLoops });
