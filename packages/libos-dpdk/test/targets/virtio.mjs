import { scratch } from "../bed/bed.mjs";
import { pairTarget } from "./pair.mjs";

const socket = scratch("virtio.sock");
const ring = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";

// The memory of virtio_user is mapped by the other process, which takes few pieces of it: one file for all of it.
export const target = pairTarget(
  "virtio",
  {
    ours: { device: `net_virtio_user0,path=${socket},${ring}`, eal: ["--single-file-segments"] },
    theirs: { device: `net_vhost0,iface=${socket},queues=1` },
  },
  import.meta.url,
);
