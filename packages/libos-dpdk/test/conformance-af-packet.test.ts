import { conformanceOn } from "./bed/on-bed";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/af-packet.mjs";

await conformanceOn(target, { inWorker: true });
