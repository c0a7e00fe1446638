/** COMMAND: what commands there are, from the same lines that run them. */
import { CATEGORIES, categoriesOf } from "../../acl/categories.js";
import { globMatchesText } from "../../glob.js";
import { Args } from "../../protocol/args.js";
import type { Reply } from "../../protocol/reply.js";
import type { Call } from "../../server/call.js";
import type { Server } from "../../server/server.js";
import type { Command, KeySpec } from "../command.js";
import { hasKeys, keysOf } from "../keys-of.js";

/** Flags that are told, in this order; others are the server's own. */
const TOLD_FLAGS = (
  "write readonly denyoom module admin pubsub noscript blocking loading stale skip_monitor skip_slowlog asking fast " +
  "no_auth no_mandatory_keys no_async_loading no_multi movablekeys allow_busy"
).split(" ");

export function commandAll({ reply, server }: Call): void {
  reply.array(server.commands.called.size);
  for (const command of server.commands.called.values()) tellInfo(reply, command);
}

export function commandCount({ reply, server }: Call): void {
  reply.integer(server.commands.called.size);
}

export function commandInfo(call: Call): void {
  const { args, reply, server } = call;
  if (args.count === 2) return commandAll(call);
  reply.array(args.count - 2);
  for (const name of args.texts(2)) {
    const command = findByName(server, name);
    if (command === undefined) reply.nullArray();
    else tellInfo(reply, command);
  }
}

export function commandDocs({ args, reply, server }: Call): void {
  const found =
    args.count === 2
      ? [...server.commands.called.values()]
      : args
          .texts(2)
          .map((name) => findByName(server, name))
          .filter((command) => command !== undefined);
  reply.map(found.length);
  for (const command of found) tellDocs(reply, command);
}

export function commandList(call: Call): void {
  const { args, reply, server } = call;
  let isListed = (_: Command): boolean => true;
  if (args.count !== 2) {
    if (args.count !== 5 || !args.is(2, "filterby")) return call.syntaxError();
    const value = args.text(4);
    if (args.is(3, "module")) isListed = () => false;
    else if (args.is(3, "pattern")) isListed = ({ fullName }) => globMatchesText(value, fullName, true);
    else if (args.is(3, "aclcat")) isListed = inCategory(value.toLowerCase());
    else return call.syntaxError();
  }
  const names: string[] = [];
  const add = (command: Command): void => {
    if (isListed(command)) names.push(command.fullName);
    for (const sub of command.subcommands.values()) add(sub);
  };
  for (const command of server.commands.called.values()) add(command);
  reply.texts(names);
}

const inCategory = (name: string) => {
  const isOne = (CATEGORIES as readonly string[]).includes(name);
  return (command: Command): boolean => isOne && categoriesOf(command).includes(name);
};

export const commandGetKeys = (call: Call): void => getKeys(call, false);
export const commandGetKeysAndFlags = (call: Call): void => getKeys(call, true);

function getKeys({ args, reply, server }: Call, withFlags: boolean): void {
  const asked = Args.of(...args.texts(2));
  const command = lookUp(server, asked);
  if (command === undefined) return reply.error("ERR Invalid command specified");
  if (!hasKeys(command)) return reply.error("ERR The command has no key arguments");
  const { arity } = command;
  if (arity > 0 ? arity !== asked.count : asked.count < -arity)
    return reply.error("ERR Invalid number of arguments specified for command");
  const found = keysOf(command, asked);
  if (found === undefined) {
    if (command.flags.has("no_mandatory_keys")) return reply.array(0);
    return reply.error("ERR Invalid arguments specified for command");
  }
  reply.array(found.length);
  for (const { index, flags } of found) {
    if (withFlags) reply.array(2);
    reply.text(asked.text(index));
    if (withFlags) tellFlags(reply, flags);
  }
}

/** What a request would run. */
export function lookUp({ commands }: Server, args: Args): Command | undefined {
  const command = commands.find(args);
  if (command === undefined || command.subcommands.size === 0 || args.count < 2) return command;
  return command.subcommands.get(args.text(1).toLowerCase());
}

/** By "get" or "config|get". */
export function findByName({ commands }: Server, name: string): Command | undefined {
  const [first, second, ...more] = name.toLowerCase().split("|");
  const command = commands.called.get(first);
  return second === undefined ? command : more.length === 0 ? command?.subcommands.get(second) : undefined;
}

function tellFlags(reply: Reply, flags: string): void {
  const all = flags.split(" ").filter(Boolean);
  reply.set(all.length);
  for (const flag of all) reply.status(flag);
}

function tellInfo(reply: Reply, command: Command): void {
  const { first, last, step } = range(command.spec.keys ?? []);
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  tellFlags(reply, TOLD_FLAGS.filter((flag) => command.flags.has(flag)).join(" "));
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  const categories = categoriesOf(command);
  tellFlags(reply, categories.map((category) => `@${category}`).join(" "));
  const hints = command.spec.hints?.split(" ") ?? [];
  reply.set(hints.length);
  for (const hint of hints) reply.text(hint);
  const specs = command.spec.keys ?? [];
  reply.set(specs.length);
  for (const spec of specs) tellSpec(reply, spec);
  if (command.subcommands.size === 0) return reply.set(0);
  reply.array(command.subcommands.size);
  for (const sub of command.subcommands.values()) tellInfo(reply, sub);
}

function tellDocs(reply: Reply, command: Command): void {
  const { summary, since, group, complexity } = command.spec;
  reply.text(command.fullName);
  const lines = Object.entries({ summary, since, group, complexity }).filter(([, text]) => text !== "");
  reply.map(lines.length + (command.subcommands.size === 0 ? 0 : 1));
  for (const [name, text] of lines) {
    reply.text(name);
    reply.text(text);
  }
  if (command.subcommands.size === 0) return;
  reply.text("subcommands");
  reply.map(command.subcommands.size);
  for (const sub of command.subcommands.values()) tellDocs(reply, sub);
}

/** First key, last key and step as COMMAND INFO has always had them: one range, or ranges without a gap. */
function range(specs: readonly KeySpec[]): { first: number; last: number; step: number } {
  const none = { first: 0, last: 0, step: 0 };
  let made: { first: number; last: number; step: number } | undefined;
  for (const { begin, find } of specs) {
    if (typeof begin === "string" || typeof find === "string" || !("index" in begin) || !("last" in find)) continue;
    const last = find.last >= 0 ? begin.index + find.last : find.last;
    if (specs.length === 1) return { first: begin.index, last, step: find.step };
    if (find.step !== 1 || (made !== undefined && made.last !== begin.index - 1)) return none;
    made = { first: made?.first ?? begin.index, last, step: 1 };
  }
  return made ?? none;
}

function tellSpec(reply: Reply, { flags, begin, find, notes }: KeySpec): void {
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.text("notes");
    reply.text(notes);
  }
  reply.text("flags");
  tellFlags(reply, flags);
  reply.text("begin_search");
  if (typeof begin === "string") tellSearch(reply, "unknown", {});
  else if ("index" in begin) tellSearch(reply, "index", { index: begin.index });
  else tellSearch(reply, "keyword", { keyword: begin.keyword, startfrom: begin.startFrom });
  reply.text("find_keys");
  if (typeof find === "string") tellSearch(reply, "unknown", {});
  else if ("last" in find)
    tellSearch(reply, "range", { lastkey: find.last, keystep: find.step, limit: find.limit ?? 0 });
  else tellSearch(reply, "keynum", { keynumidx: find.count, firstkey: find.first, keystep: find.step });
}

function tellSearch(reply: Reply, type: string, values: Record<string, string | number>): void {
  reply.map(2);
  reply.text("type");
  reply.text(type);
  reply.text("spec");
  reply.map(Object.keys(values).length);
  for (const [name, value] of Object.entries(values)) {
    reply.text(name);
    if (typeof value === "number") reply.integer(value);
    else reply.text(value);
  }
}
