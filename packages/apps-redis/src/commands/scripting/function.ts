/** FUNCTION: libraries of functions, and the function that runs. */

import { Crc64 } from "../../encodings/crc64.js";
import { globMatchesText } from "../../glob.js";
import { BadFormat, RDB_VERSION, RdbOpcode } from "../../rdb/format.js";
import { isPayload } from "../../rdb/payload.js";
import { RdbReader } from "../../rdb/reader.js";
import { RdbWriter } from "../../rdb/writer.js";
import { namesOfFlags } from "../../scripting/flags.js";
import { type Library, LibraryError, LOAD_LIMIT } from "../../scripting/libraries.js";
import type { Call } from "../../server/call.js";
import { help } from "../help.js";

const CHECKSUM_BYTES = 8;
const FOOTER = 2 + CHECKSUM_BYTES;

const wrongArguments = ({ args, reply }: Call): void =>
  reply.error(
    `ERR unknown subcommand or wrong number of arguments for '${args.text(1).slice(0, 128)}'. Try FUNCTION HELP.`,
  );

/** Runs what may be refused, which is replied. False: it was. */
function change({ reply, server }: Call, body: () => void): boolean {
  try {
    body();
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    reply.error(`ERR ${error.message}`);
    return false;
  }
  server.keyspace.dirty++;
  return true;
}

export function functionLoad(call: Call): void {
  const { args, reply, server } = call;
  const last = args.count - 1;
  let replace = false;
  for (let i = 2; i < last; i++) {
    if (!args.is(i, "replace")) return reply.error(`ERR Unknown option given: ${args.text(i)}`);
    replace = true;
  }
  let name = "";
  const isDone = change(call, () => {
    name = server.scripting.libraries.load(args.text(last), replace, LOAD_LIMIT);
  });
  if (isDone) reply.text(name);
}

export function functionDelete({ args, reply, server }: Call): void {
  if (!server.scripting.libraries.delete(args.text(2))) return reply.error("ERR Library not found");
  server.keyspace.dirty++;
  reply.ok();
}

export function functionFlush(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 3) return wrongArguments(call);
  if (args.count === 3 && !args.is(2, "async") && !args.is(2, "sync"))
    return reply.error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  server.scripting.libraries.flush();
  server.keyspace.dirty++;
  reply.ok();
}

export function functionList({ args, reply, server }: Call): void {
  let withCode = false;
  let pattern: string | undefined;
  for (let i = 2; i < args.count; i++) {
    if (!withCode && args.is(i, "withcode")) {
      withCode = true;
    } else if (pattern === undefined && args.is(i, "libraryname")) {
      if (++i === args.count) return reply.error("ERR library name argument was not given");
      pattern = args.text(i);
    } else {
      return reply.error(`ERR Unknown argument ${args.text(i)}`);
    }
  }
  const all = [...server.scripting.libraries.all.values()].filter(
    ({ name }) => pattern === undefined || globMatchesText(pattern.toLowerCase(), name.toLowerCase()),
  );
  reply.array(all.length);
  for (const library of all) tell(library, withCode, reply);
}

function tell({ functions, name, source }: Library, withCode: boolean, reply: Call["reply"]): void {
  reply.map(withCode ? 4 : 3);
  reply.text("library_name");
  reply.text(name);
  reply.text("engine");
  reply.text("LUA");
  reply.text("functions");
  reply.array(functions.size);
  for (const one of functions.values()) {
    reply.map(3);
    reply.text("name");
    reply.text(one.name);
    reply.text("description");
    reply.textOrNull(one.description);
    reply.text("flags");
    const flags = namesOfFlags(one.flags);
    reply.set(flags.length);
    for (const flag of flags) reply.status(flag);
  }
  if (!withCode) return;
  reply.text("library_code");
  reply.text(source);
}

export function functionStats({ reply, server }: Call): void {
  const { current, libraries } = server.scripting;
  const { callerArgs, interpreter } = current;
  if (callerArgs !== undefined && current.isEval) return reply.error(current.busyError);
  reply.map(2);
  reply.text("running_script");
  if (callerArgs === undefined || interpreter === undefined) {
    reply.null();
  } else {
    reply.map(3);
    reply.text("name");
    reply.text(current.name);
    reply.text("command");
    reply.texts(callerArgs.texts());
    reply.text("duration_ms");
    reply.integer(interpreter.native.runningFor());
  }
  reply.text("engines");
  reply.map(1);
  reply.text("LUA");
  reply.map(2);
  reply.text("libraries_count");
  reply.integer(libraries.all.size);
  reply.text("functions_count");
  reply.integer(libraries.functions.size);
}

export function functionKill({ reply, server }: Call): void {
  const why = server.scripting.current.kill(false);
  if (why === undefined) reply.ok();
  else reply.error(why);
}

export function functionDump({ reply, server }: Call): void {
  const writer = new RdbWriter().begin(server.config.rdbcompression);
  for (const source of server.scripting.libraries.sources()) {
    writer.byte(RdbOpcode.FUNCTION_2);
    writer.text(source);
  }
  writer.byte(RDB_VERSION & 0xff);
  writer.byte(RDB_VERSION >>> 8);
  const footer = new Uint8Array(CHECKSUM_BYTES);
  new Crc64().update(writer.bytes, 0, writer.length).write(footer, 0);
  writer.raw(footer, 0, CHECKSUM_BYTES);
  reply.bulk(writer.bytes, 0, writer.length);
}

export function functionRestore(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 4) return wrongArguments(call);
  const policy = args.count === 4 ? args.text(3).toLowerCase() : "append";
  if (policy !== "append" && policy !== "replace" && policy !== "flush")
    return reply.error("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
  if (!isPayload(args.bytes, args.at(2), args.length(2)))
    return reply.error("ERR DUMP payload version or checksum are wrong");
  const isDone = change(call, () => server.scripting.libraries.restore(sourcesIn(call), policy));
  if (isDone) reply.ok();
}

function sourcesIn({ args }: Call): string[] {
  const sources: string[] = [];
  const reader = new RdbReader(args.bytes, args.at(2), args.at(2) + args.length(2) - FOOTER);
  while (reader.left > 0) {
    const opcode = reader.byte();
    if (opcode === RdbOpcode.FUNCTION_OLD) throw new LibraryError("Pre-release function format not supported.");
    if (opcode !== RdbOpcode.FUNCTION_2) throw new LibraryError("given type is not a function");
    try {
      sources.push(reader.text());
    } catch (error) {
      if (!(error instanceof BadFormat)) throw error;
      throw new LibraryError("Failed loading library data");
    }
  }
  return sources;
}

export const functionHelp = help(
  "LOAD [REPLACE] <source>",
  "    Adds a library of functions; tells its name.",
  "DELETE <library>",
  "    Forgets a library.",
  "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
  "    Tells the libraries, their functions, and their sources.",
  "STATS",
  "    Tells which function runs, and how many there are.",
  "KILL",
  "    Ends the function that runs, if it has written nothing.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets all libraries.",
  "DUMP",
  "    All libraries as bytes.",
  "RESTORE <bytes> [FLUSH|APPEND|REPLACE]",
  "    Adds the libraries that DUMP has told: in the place of all, beside those there are, or in the place of those of the same name.",
);
