import { conformanceWhere } from "@demikernel/conformance";
import { onBed, whyNot } from "./bed/on-bed.js";
import { peerKilled } from "./bed/peer-killed.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/memif.mjs";

await conformanceWhere(target, { whyNot, on: "queues" });
onBed(`faults over ${target.name}`, () => peerKilled(target), await whyNot(target));

afterAll(() => target.end());
