/** What a completion says of its operation: opcode and queue in one word, and beside it the value that the opcode explains. */
import { Layout } from "../layout.js";
import type { QueueDescriptor, Sga } from "../types.js";

/** `tag` says what completed: {@link opcodeOf}, {@link qdOf}. */
export type CompletionCallback = (result: number, value: number, tag: number) => void;

/** Opcode and queue descriptor in one word, as completion entries carry them. */
export function tagOf(opcode: number, qd: number): number {
  return qd | ((opcode - 1) << Layout.TAG_OPCODE_SHIFT);
}
export function opcodeOf(tag: number): number {
  return ((tag >>> Layout.TAG_OPCODE_SHIFT) + 1) | 0;
}
export function qdOf(tag: number): QueueDescriptor {
  return (tag & ((1 << Layout.TAG_OPCODE_SHIFT) - 1)) as QueueDescriptor;
}
/** What a pop brought; 0 for any other operation. */
export function sgaOf(tag: number, value: number): Sga {
  return (tag >>> Layout.TAG_OPCODE_SHIFT === Layout.OP_POP - 1 ? value : 0) as Sga;
}
/** What an accept brought; 0 for any other operation. */
export function newQdOf(tag: number, value: number): QueueDescriptor {
  return (tag >>> Layout.TAG_OPCODE_SHIFT === Layout.OP_ACCEPT - 1 ? value : 0) as QueueDescriptor;
}
