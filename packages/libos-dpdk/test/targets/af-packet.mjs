import { vethTarget } from "./veth.mjs";

// lwIP polls in this very process: a busy machine slows both ends of every case.
export const target = { ...vethTarget("af_packet", import.meta.url), timeScale: 3 };
