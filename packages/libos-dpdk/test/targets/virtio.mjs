import { scratch } from "../bed/bed.mjs";
import { pairTarget } from "./pair.mjs";

// Test files share the folder, and a killed peer leaves its socket in it.
const socket = (n) => scratch(`virtio${process.pid}-${n}.sock`);
const ring = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";

export const target = pairTarget(
  "virtio",
  {
    // The memory of virtio_user is mapped by the other process, which takes few pieces of it: one file for all of it.
    ours: (n) => ({ device: `net_virtio_user0,path=${socket(n)},${ring}`, eal: ["--single-file-segments"] }),
    theirs: (n) => ({ device: `net_vhost0,iface=${socket(n)},queues=1` }),
    storage: "scratch",
  },
  import.meta.url,
);
