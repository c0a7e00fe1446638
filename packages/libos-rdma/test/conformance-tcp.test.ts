import type { ConformanceTarget } from "@demikernel/core/conformance";
import { conformanceOn } from "./on-provider.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/tcp.mjs";

conformanceOn(target as ConformanceTarget, { on: "queues" });
