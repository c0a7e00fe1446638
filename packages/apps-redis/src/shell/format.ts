/** Replies as redis-cli prints them: for people, and raw. */
import type { ReplyValue } from "../client/reply-reader.js";

const ESCAPED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x07": "\\a", "\b": "\\b" };

/** In quotes, what cannot be printed escaped. */
export function quoted(text: string): string {
  let out = '"';
  for (const c of text) {
    if (c === '"' || c === "\\") out += `\\${c}`;
    else if (ESCAPED[c] !== undefined) out += ESCAPED[c];
    else if (c < " " || c > "~") out += `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
    else out += c;
  }
  return `${out}"`;
}

/** Without a line's end. `indent`: what stands before each further line. */
export function forPeople(reply: ReplyValue, indent = ""): string {
  const { kind, text, items } = reply;
  if (items === undefined || reply.isNull) {
    if (reply.isNull) return "(nil)";
    if (kind === "-") return `(error) ${text}`;
    if (kind === ":") return `(integer) ${text}`;
    if (kind === ",") return `(double) ${text}`;
    if (kind === "#") return text === "t" ? "(true)" : "(false)";
    if (kind === "+" || kind === "=" || kind === "(") return text;
    return quoted(text);
  }
  if (items.length === 0) return kind === "%" ? "(empty hash)" : kind === "~" ? "(empty set)" : "(empty array)";
  const pairs = kind === "%";
  const count = pairs ? items.length / 2 : items.length;
  const width = String(count).length;
  const mark = pairs ? "#" : kind === "~" ? "~" : ")";
  const deeper = `${indent}${" ".repeat(width + 2)}`;
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    const head = `${String(n + 1).padStart(width)}${mark} `;
    const body = pairs
      ? `${forPeople(items[2 * n], deeper)} => ${forPeople(items[2 * n + 1], deeper)}`
      : forPeople(items[n], deeper);
    lines.push(`${n === 0 ? "" : indent}${head}${body}`);
  }
  return lines.join("\n");
}

/** The bytes alone: an element a line. */
export function raw(reply: ReplyValue): string {
  if (reply.isNull) return "";
  if (reply.items !== undefined) return reply.items.map(raw).join("\n");
  return reply.kind === "#" ? (reply.text === "t" ? "(true)" : "(false)") : reply.text;
}
