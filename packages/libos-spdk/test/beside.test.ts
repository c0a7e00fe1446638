/** Logs as the storage of every network backend, by one wait over both. */
import { type ConformanceTarget, conformance, conformanceWhere } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as posix } from "./targets/beside-posix.mjs";
// @ts-expect-error: as above
import { target as shm } from "./targets/beside-shm.mjs";
// @ts-expect-error: as above
import { target as virtio } from "./targets/beside-virtio.mjs";

const only = ["two engines"];
conformance(posix as ConformanceTarget, { only });
await conformanceWhere(shm as ConformanceTarget, { only });
await conformanceWhere(virtio as ConformanceTarget, { only });

afterAll(() => virtio.end());
