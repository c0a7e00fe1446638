import { type ConformanceTarget, ownLoops } from "@demikernel/conformance";
import { conformanceOn } from "./on-provider.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target, tcpTarget } from "./targets/tcp.mjs";

conformanceOn(target as ConformanceTarget, { on: "queues" });
// Once more as an application waits: asleep in Node's loop, with nothing but the completion queue's descriptor to wake it.
conformanceOn(tcpTarget("interrupt") as ConformanceTarget, { on: "queues", without: ownLoops }, false);
