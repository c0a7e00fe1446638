/** Reads the YAML configuration file. What its keys may hold is checked later, when the backend is known: see options.ts. */
import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { CST, Document, LineCounter, Node } from "yaml";
import { DemiError } from "../errors.js";
import { describe } from "./describe.js";

const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 32;
// The YAML library compares every key of a map with every other one, so the time is quadratic in this.
const MAX_ENTRIES = 1024;
const MAX_ALIASES = 64;

let library: typeof import("yaml") | undefined;
/** The YAML library. Loading its 80 files is a fifth of what importing core takes, and only who has a configuration file needs them. */
function yaml(): typeof import("yaml") {
  library ??= createRequire(import.meta.url)("yaml") as typeof import("yaml");
  return library;
}

type Key = string | number;

/** A configuration file as read; `values` are its top-level keys, unchecked. */
export interface FileConfig {
  /** Absolute; undefined when no file was named. */
  readonly path: string | undefined;
  readonly libos: string | undefined;
  readonly storage: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
  /** "file:line" of a key, for messages; undefined without a file. */
  where(keys: readonly Key[]): string | undefined;
}

/** Reads `path`, else the file DEMI_CONFIG names; without either, an empty configuration. Throws DemiError. */
export function loadConfig(path?: string, env: NodeJS.ProcessEnv = process.env): FileConfig {
  const named = path ?? (env.DEMI_CONFIG || undefined);
  if (named === undefined)
    return { path: undefined, libos: undefined, storage: undefined, values: {}, where: () => undefined };
  if (typeof named !== "string" || named === "" || named.includes("\0")) {
    throw new DemiError("EINVAL", "openLibOS", `config must be the path of a file; got ${describe(named)}`);
  }
  const absolute = resolve(named);
  return parseConfig(readBounded(absolute), absolute);
}

/** Parses the text of a configuration file; `path` is for messages. */
export function parseConfig(text: string, path: string): FileConfig {
  const { isMap, isScalar, LineCounter } = yaml();
  const lines = new LineCounter();
  const document = compose(text, path, lines);
  const refuse = (detail: string, offset?: number) =>
    invalid(`${path}${offset === undefined ? "" : `:${lines.linePos(offset).line}`}: ${detail}`);

  const problem = document?.errors[0] ?? document?.warnings[0];
  if (problem) throw refuse(problem.message, problem.pos[0]);
  const contents = document?.contents ?? null;
  if (!document || contents === null || (isScalar(contents) && contents.value === null)) {
    return { path, libos: undefined, storage: undefined, values: {}, where: () => path };
  }
  if (!isMap(contents)) throw refuse("must be a map of options", contents.range?.[0]);

  let values: Record<string, unknown>;
  try {
    values = document.toJS({ maxAliasCount: MAX_ALIASES }) as Record<string, unknown>;
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  const where = (keys: readonly Key[]) => {
    const offset = offsetOf(document, keys);
    return offset === undefined ? path : `${path}:${lines.linePos(offset).line}`;
  };
  const named = (key: "libos" | "storage"): string | undefined => {
    const name = values[key] ?? undefined;
    if (name === undefined || (typeof name === "string" && name !== "")) return name;
    throw invalid(`${where([key])}: ${key} must be the name of a backend; got ${describe(name)}`);
  };
  return { path, libos: named("libos"), storage: named("storage"), values, where };
}

function invalid(detail: string): DemiError {
  return new DemiError("EINVAL", "openLibOS", detail);
}

// Composing recurses, and a document nested deep enough takes the process down with it: so the token tree, which is built
// without recursion, is measured first.
function compose(text: string, path: string, lineCounter: LineCounter): Document | undefined {
  const { Composer, Parser } = yaml();
  const tokens = [...new Parser(lineCounter.addNewLine).parse(text)];
  measure(tokens, path);
  const documents = [...new Composer({ lineCounter, stringKeys: true, logLevel: "error" }).compose(tokens)];
  if (documents.length > 1) throw invalid(`${path}: must be one YAML document; it has ${documents.length}`);
  return documents[0];
}

function measure(tokens: readonly CST.Token[], path: string): void {
  let level: CST.Token[] = [...tokens];
  // The document itself is one level.
  for (let depth = -1; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw invalid(`${path}: is nested more than ${MAX_DEPTH} deep`);
    const next: CST.Token[] = [];
    for (const token of level) {
      if ("value" in token && token.value) next.push(token.value);
      if (!("items" in token)) continue;
      if (token.items.length > MAX_ENTRIES + 1)
        throw invalid(`${path}: has a list or map of more than ${MAX_ENTRIES} entries`);
      for (const item of token.items) {
        if (item.key) next.push(item.key);
        if (item.value) next.push(item.value);
      }
    }
    level = next;
  }
}

function offsetOf(document: Document, keys: readonly Key[]): number | undefined {
  const { isAlias, isMap, isScalar, isSeq } = yaml();
  let node: Node | undefined = document.contents ?? undefined;
  let offset: number | undefined;
  for (const key of keys) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = (pair.value as Node | null) ?? undefined;
    } else if (isSeq(node)) {
      node = node.items[Number(key)] as Node | undefined;
      offset = node?.range?.[0] ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function readBounded(path: string): string {
  let fd: number;
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw fileError(error, path);
  }
  try {
    if (!fstatSync(fd).isFile()) throw invalid(`${path}: is not a regular file`);
    const bytes = Buffer.allocUnsafe(MAX_BYTES + 1);
    let length = 0;
    for (let n = -1; n !== 0 && length < bytes.length; length += n)
      n = readSync(fd, bytes, length, bytes.length - length, null);
    if (length > MAX_BYTES) throw invalid(`${path}: is larger than 1 MiB`);
    const content = bytes.subarray(0, length);
    if (!isUtf8(content)) throw invalid(`${path}: is not UTF-8 text`);
    return content.toString();
  } catch (error) {
    if (error instanceof DemiError) throw error;
    throw fileError(error, path);
  } finally {
    closeSync(fd);
  }
}

function fileError(error: unknown, path: string): DemiError {
  const code = (error as NodeJS.ErrnoException).code ?? "EIO";
  return new DemiError(code, "openLibOS", `the configuration file ${path} cannot be read`, undefined, error);
}
