import { vethTarget } from "./veth.mjs";

// Loading the XDP program takes a tenth of a second with each open.
export const target = { ...vethTarget("af_xdp", import.meta.url), timeScale: 4 };
