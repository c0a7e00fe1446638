import { Opcode, PushFlag } from "@demikernel/core";

/** Echoes streams and datagrams on a port of an address until the libOS is destroyed or stopped; what run() returns. */
export function echo(os, host, port) {
  const family = host.includes(":") ? 6 : 4;
  const listener = os.socket("tcp", { family });
  os.bind(listener, { host, port });
  os.listen(listener, 4096);
  const datagrams = os.socket("udp", { family });
  os.bind(datagrams, { host, port });
  os.accept(listener);
  os.pop(datagrams);
  return { listener, datagrams, handle };

  /** Handles the completions of this echo's queues; a run() handler may serve several. */
  function handle(event) {
    const { opcode, qd, result, sga, newQd } = event;
    if (opcode === Opcode.ACCEPT) {
      if (result === 0) os.pop(newQd);
      os.accept(qd);
    } else if (qd === datagrams) {
      if (opcode === Opcode.POP && result > 0) return void os.pushTo(qd, sga, undefined, PushFlag.FREE);
      if (sga !== 0) os.free(sga);
      os.pop(qd);
    } else if (opcode === Opcode.POP) {
      // One piece at a time: what the peer does not read is not popped either.
      if (result > 0) os.push(qd, sga, PushFlag.FREE);
      else os.close(qd);
    } else if (result > 0) {
      os.pop(qd);
    } else {
      os.close(qd);
    }
  }
}
