import { Layout } from "../layout.js";
import type { CompletionOf, OpcodeValue, QueueDescriptor, QueueToken, Sga } from "../types.js";
import { newQdOf, opcodeOf, qdOf, sgaOf } from "./tag.js";

/**
 * The one object handed to run() and turn() handlers: rewritten for each completion. Fields and no getters: whether the compiler makes a
 * getter part of a handler is luck, and each that it does not costs a handler a tenth of a pair.
 */
export class CompletionEvent {
  opcode = 0 as OpcodeValue;
  qd = 0 as QueueDescriptor;
  qt = 0 as QueueToken;
  result = 0;
  sga = 0 as Sga;
  newQd = 0 as QueueDescriptor;

  set(qt: QueueToken, result: number, value: number, tag: number): void {
    this.opcode = opcodeOf(tag) as OpcodeValue;
    this.qd = qdOf(tag);
    this.qt = qt;
    this.result = result;
    this.sga = sgaOf(tag, value);
    this.newQd = newQdOf(tag, value);
  }
}

/** A completion to keep. All are made here, with all fields: who reads them sees one kind of object. */
export function completionOf<T extends QueueToken>(qt: T, result: number, value: number, tag: number): CompletionOf<T> {
  const opcode = opcodeOf(tag);
  const completion = {
    opcode,
    qd: qdOf(tag),
    qt,
    result,
    sga: opcode === Layout.OP_POP ? value : 0,
    newQd: opcode === Layout.OP_ACCEPT ? value : 0,
  };
  // By its token: what was started is what completes.
  return completion as unknown as CompletionOf<T>;
}
