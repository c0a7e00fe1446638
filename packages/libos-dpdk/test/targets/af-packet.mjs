import { vethTarget } from "./veth.mjs";

export const target = vethTarget("af_packet", import.meta.url);
