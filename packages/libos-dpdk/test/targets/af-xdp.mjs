import { vethTarget } from "./veth.mjs";

export const target = vethTarget("af_xdp", import.meta.url);
