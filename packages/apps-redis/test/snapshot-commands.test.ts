/** Whatever a command changes, a snapshot that began before it has it as it was: of every command that changes data. */
import type { Command } from "../src/commands/command.js";
import type { Db } from "../src/keyspace/db.js";
import type { Ref } from "../src/memory/heap.js";
import { dumpPayload } from "../src/rdb/payload.js";
import { Snapshot } from "../src/snapshot/snapshot.js";
import { CHANGES, commandsOf, SEQUENCES } from "./changes.js";
import { Followed } from "./followed.js";

/** They change functions, which are no keys, or run other commands. */
const WITHOUT_KEYS = /^(function\||script\||eval|fcall)/;
/** They change nothing that is kept. */
const MESSAGES = ["publish", "spublish"];

const followed = new Followed();
const { server } = followed;

test("there is a change for each of them", () => {
  const names: string[] = [];
  const visit = (command: Command): void => {
    if (command.changesData && !WITHOUT_KEYS.test(command.fullName)) names.push(command.fullName);
    for (const sub of command.subcommands.values()) visit(sub);
  };
  for (const command of server.commands.all.values()) visit(command);
  expect(Object.keys(CHANGES).sort()).toEqual(names.sort());
});

const shownOf = (db: Db, ref: Ref): string => {
  const { bytes, length } = dumpPayload(db, ref);
  return `${bytes.toString("latin1", 0, length)} until ${db.exactExpiryOf(ref)}`;
};

/** All there is, as a snapshot would have it. */
function all(): Map<string, string> {
  const found = new Map<string, string>();
  for (const db of server.keyspace.dbs) db.dict.each((ref) => found.set(`${db.id}:${db.key(ref)}`, shownOf(db, ref)));
  return found;
}

/** Runs each command beside a snapshot that has not got to any key; how many of them changed keys that were there, or made some. */
function expectKept(before: string, commands: string): number {
  followed.begin();
  for (const { client, words } of commandsOf(before)) followed.send(client, words);
  let changes = 0;
  for (const { client, words } of commandsOf(commands)) {
    const had = all();
    const told = new Map<string, string>();
    const snapshot = new Snapshot(server.keyspace, {
      isFull: false,
      key: (id, db, ref) => told.set(`${id}:${db.key(ref)}`, shownOf(db, ref)),
    });
    const filled = words.map((word) => followed.filled(word));
    followed.send(client, filled);
    if (snapshot.told !== 0 || all().size !== had.size) changes++;
    snapshot.run(Number.POSITIVE_INFINITY);
    expect({ words, told: [...told].sort() }).toEqual({ words, told: [...had].sort() });
  }
  return changes;
}

test.each(Object.keys(CHANGES))("%s", (name) => {
  let changes = 0;
  for (const [before, commands] of CHANGES[name]) changes += expectKept(before, commands);
  if (!MESSAGES.includes(name)) expect(changes).toBeGreaterThan(0);
});

test.each(SEQUENCES)("%s", (line) => {
  expect(expectKept("RPUSH k x; RPUSH b y; SET a 5; HSET h f v", line)).toBeGreaterThan(0);
});
