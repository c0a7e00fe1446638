import { type ConformanceTarget, conformance, conformanceInWorker } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { clear, target as file } from "./targets/file.mjs";

afterAll(clear);

conformance(file as ConformanceTarget);
conformanceInWorker(file as ConformanceTarget);
