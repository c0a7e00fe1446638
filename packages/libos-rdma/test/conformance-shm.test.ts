import type { ConformanceTarget } from "@demikernel/conformance";
import { conformanceOn } from "./on-provider.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/shm.mjs";

// Of the providers the one that opens soonest: it tests the runtime of the addon, too.
conformanceOn(target as ConformanceTarget);
