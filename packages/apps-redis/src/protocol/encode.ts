/** A request as RESP has it: an array of bulk strings, as latin1 text. What has to be quick writes bytes: propagation/pending.ts. */
export function encode(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}
