import { type ConformanceTarget, conformanceWhere } from "@demikernel/conformance";
import { whyNoAddon } from "../src/addon.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/shm.mjs";

// Of the providers the one that opens soonest: it tests the runtime of the addon, too.
await conformanceWhere(target as ConformanceTarget, { whyNot: whyNoAddon, inWorker: true });
