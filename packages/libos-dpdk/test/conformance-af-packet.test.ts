import { conformanceWhere } from "@demikernel/conformance";
import { whyNot } from "./bed/on-bed.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/af-packet.mjs";

// Of the devices the one that opens soonest: it tests the runtime of the addon, too.
await conformanceWhere(target, { whyNot, inWorker: true });
