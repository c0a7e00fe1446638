/** The echo server for datagrams: each goes back to where it came from. */
import { type Completion, errnoOf, type LibOS, Opcode, PushFlag, type QueueDescriptor } from "@demikernel/core";
import type { Served } from "./served.js";

/** Datagrams taken from the device before the first of them must have been sent on: bounds memory, and is a full burst. */
const IN_FLIGHT = 64;

const GONE = new Set([errnoOf("EBADF"), errnoOf("ECANCELED")]);

/** Serves a bound datagram queue until `os.stop()`. Nothing is allocated per message. */
export function serveDatagrams(os: LibOS, qd: QueueDescriptor, served: Served): Promise<void> {
  for (let i = 0; i < IN_FLIGHT; i++) os.pop(qd);
  return os.run((event: Completion) => {
    if (event.opcode === Opcode.POP) {
      if (event.result > 0) {
        os.pushTo(event.qd, event.sga, undefined, PushFlag.FREE); // to the address the sga carries
        return;
      }
      if (event.sga !== 0) os.free(event.sga); // an empty datagram: nothing to send back
    } else if (event.result > 0) {
      served.messages++;
      served.bytes += event.result;
    }
    // One refused or malformed datagram says nothing about the next; a queue that is gone does.
    if (!GONE.has(event.result)) os.pop(event.qd);
  });
}
