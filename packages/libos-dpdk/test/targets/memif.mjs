import { scratch } from "../bed/bed.mjs";
import { pairTarget } from "./pair.mjs";

const device = (role, n) =>
  `net_memif0,role=${role},id=0,socket=${scratch(`memif${process.pid}-${n}.sock`)},socket-abstract=no,rsize=11`;

// When a client goes and another comes, EAL's interrupt thread in the server's process can panic over a descriptor that was closed
// under it (DPDK 22.11).
export const target = pairTarget("memif", {
  ours: (n) => ({ device: device("client", n) }),
  theirs: (n) => ({ device: device("server", n) }),
  once: true,
  timeScale: 10,
});
