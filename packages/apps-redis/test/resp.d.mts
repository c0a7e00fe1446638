/** Types of resp.mjs, which plain Node runs too. */
export type Reply = string | number | null | Error | Reply[];
export type Request = readonly (string | number)[];

export class ReplyError extends Error {}

export function encode(commands: readonly Request[]): string;

export function readReply(text: string, at: number): { value: Reply; end: number } | undefined;

export class ReplyReader {
  add(bytes: Buffer): void;
  next(): { bytes: string; value: Reply } | undefined;
}
