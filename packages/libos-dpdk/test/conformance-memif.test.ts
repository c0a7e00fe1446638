import { conformanceWhere, ownLoops } from "@demikernel/conformance";
import { onBed, whyNot } from "./bed/on-bed.js";
import { peerKilled } from "./bed/peer-killed.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/memif.mjs";

// Loops and threads are the addon's: they are chosen on virtio and af_packet. Here each opening takes a while.
await conformanceWhere(target, { whyNot, on: "queues", without: ownLoops });
onBed(`faults over ${target.name}`, () => peerKilled(target), await whyNot(target));

afterAll(() => target.end());
