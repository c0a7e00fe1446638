/** An echo server on any backend: sends back what arrives, to as many connections as come. */
import { type Completion, type LibOS, Opcode, PushFlag, type QueueDescriptor } from "@demikernel/core";
import { type Served, serveNext } from "./served.js";

/**
 * Serves a listening queue until `os.stop()`. Each connection has one operation outstanding, a pop or a push: a peer that does not
 * read its echoes is not read from either, and costs one sga at most. Nothing is allocated per message.
 */
export function serveConnections(os: LibOS, listener: QueueDescriptor, served: Served): Promise<void> {
  os.accept(listener);
  return os.run((event: Completion) => {
    if (event.opcode === Opcode.ACCEPT) {
      serveNext(os, listener, served, event);
    } else if (event.result < 0 || (event.opcode === Opcode.POP && event.sga === 0)) {
      // The end of the stream, or the connection broke. Nothing else of it is outstanding.
      served.connections.delete(event.qd);
      os.close(event.qd);
    } else if (event.opcode === Opcode.POP) {
      os.push(event.qd, event.sga, PushFlag.FREE);
    } else {
      served.messages++;
      served.bytes += event.result;
      os.pop(event.qd);
    }
  });
}
