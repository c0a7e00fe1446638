import { type ConformanceTarget, conformance, conformanceInWorker } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./memory-target.mjs";

conformance(target as ConformanceTarget);
conformanceInWorker(target as ConformanceTarget);
