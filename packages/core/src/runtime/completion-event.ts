import { Layout } from "../layout.js";
import type { CompletionOf, OpcodeValue, QueueDescriptor, QueueToken, Sga } from "../types.js";
import { newQdOf, opcodeOf, qdOf, sgaOf } from "./tag.js";

/** The one object handed to run() and turn() handlers: rewritten for each completion. */
export class CompletionEvent {
  qt = 0 as QueueToken;
  result = 0;
  value = 0;
  tag = 0;
  get opcode(): OpcodeValue {
    return opcodeOf(this.tag) as OpcodeValue;
  }
  get qd(): QueueDescriptor {
    return qdOf(this.tag);
  }
  get sga(): Sga {
    return sgaOf(this.tag, this.value);
  }
  get newQd(): QueueDescriptor {
    return newQdOf(this.tag, this.value);
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
