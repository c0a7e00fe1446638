/**
 * Which files an append-only file is made of, as redis-server 7.0 writes it: a base, then increments in the order of their numbers, and what is
 * only there to be removed ("history"). A line for each: "file NAME seq NUMBER type b|i|h".
 */
import { splitArguments } from "../protocol/inline.js";
import { represented } from "../server/observer.js";

export interface AofFile {
  name: string;
  seq: number;
}

export interface Manifest {
  base: AofFile | undefined;
  /** The last one is written to. */
  increments: AofFile[];
  history: AofFile[];
}

/** The file is no manifest. */
export class BadManifest extends Error {}

const MOST_LINE = 1024;
const LARGEST_SEQ = Number.MAX_SAFE_INTEGER;

export function emptyManifest(): Manifest {
  return { base: undefined, increments: [], history: [] };
}

export function parseManifest(text: string): Manifest {
  const manifest = emptyManifest();
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new BadManifest("the last line has no end");
  if (lines.length === 0) throw new BadManifest("it is empty");
  lines.forEach((line, i) => {
    if (line.startsWith("#")) return;
    const why = addLine(manifest, line);
    if (why !== undefined) throw new BadManifest(`line ${i + 1}: ${why}`);
  });
  return manifest;
}

/** Why a line is wrong. */
function addLine(manifest: Manifest, line: string): string | undefined {
  if (line.length > MOST_LINE) return "too long";
  const words = splitArguments(line);
  if (words === undefined || words.length < 6 || words.length % 2 !== 0)
    return "not of the form: file NAME seq NUMBER type b|i|h";
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) given.set(words[i].toLowerCase(), words[i + 1]);
  const name = given.get("file") ?? "";
  if (name === "" || name.includes("/")) return "no name of a file in this folder";
  const seq = Number(given.get("seq"));
  if (!Number.isInteger(seq) || seq < 1 || seq > LARGEST_SEQ) return "no number above 0";
  const file = { name, seq };
  switch (given.get("type")) {
    case "b":
      if (manifest.base !== undefined) return "a second base";
      manifest.base = file;
      return undefined;
    case "i": {
      const last = manifest.increments[manifest.increments.length - 1];
      if (last !== undefined && last.seq >= seq) return "increments that are not in the order of their numbers";
      manifest.increments.push(file);
      return undefined;
    }
    case "h":
      manifest.history.push(file);
      return undefined;
    default:
      return "a type that is not b, i or h";
  }
}

export function formatManifest({ base, history, increments }: Manifest): string {
  const line = (type: string, { name, seq }: AofFile): string => {
    const told = /^[!#-&(-[\]-~]+$/.test(name) ? name : represented(name);
    return `file ${told} seq ${seq} type ${type}\n`;
  };
  return [
    ...(base === undefined ? [] : [line("b", base)]),
    ...history.map((one) => line("h", one)),
    ...increments.map((one) => line("i", one)),
  ].join("");
}
