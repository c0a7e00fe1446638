import { type ConformanceTarget, conformanceWhere } from "@demikernel/conformance";
import { whyNoAddon } from "../src/addon.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/shm.mjs";

// This provider opens soonest, so it also tests the addon's runtime.
await conformanceWhere(target as ConformanceTarget, { whyNot: whyNoAddon, inWorker: true });
