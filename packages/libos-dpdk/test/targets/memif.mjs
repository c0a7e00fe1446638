import { scratch } from "../bed/bed.mjs";
import { pairTarget } from "./pair.mjs";

const socket = scratch("memif.sock");
const device = (role) => `net_memif0,role=${role},id=0,socket=${socket},socket-abstract=no,rsize=11`;

export const target = pairTarget(
  "memif",
  { ours: { device: device("client") }, theirs: { device: device("server") } },
  import.meta.url,
);
