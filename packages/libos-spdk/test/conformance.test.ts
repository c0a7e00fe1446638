import { type ConformanceTarget, conformance, conformanceInWorker } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as besidePosix } from "./targets/beside-posix.mjs";
// @ts-expect-error: as above
import { clear, target as file } from "./targets/file.mjs";

afterAll(clear);

conformance(file as ConformanceTarget);
conformanceInWorker(file as ConformanceTarget);
conformance(besidePosix as ConformanceTarget, { only: ["two engines"] });
