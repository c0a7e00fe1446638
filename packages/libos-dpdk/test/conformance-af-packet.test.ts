import { conformanceWhere } from "@demikernel/conformance";
import { whyNot } from "./bed/on-bed.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/af-packet.mjs";

// This device opens soonest, so it also tests the addon's runtime. Workers that start Workers are core's: posix has them.
await conformanceWhere(target, { whyNot, inWorker: { without: ["rule 7: threads"] } });
