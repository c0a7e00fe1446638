#!/usr/bin/env node
// The same random commands to demi-redis and to redis-server: every reply and, after each program, all that they hold is compared.
//
//   node main.mjs --ours WHERE --theirs WHERE [--commands N] [--seed N] [--families string,hash]
//
// WHERE is a port of this machine, or the path of a unix socket. Prints one line of JSON; exits with 1 when they differ, the shortest list of commands that shows it printed.
import { parseArgs } from "node:util";
import { compareKeyspaces, compareReplies } from "./comparison.mjs";
import { FAMILIES } from "./families/index.mjs";
import { Generator } from "./generator.mjs";
import { Peer } from "./peer.mjs";
import { Random } from "./random.mjs";
import { shrink } from "./shrink.mjs";

/** Commands sent as one, and of a program, after which the keyspaces are compared and emptied. */
const BATCH = 500;
const PROGRAM = 5000;
/** Of each program's families: one alone, or all. */
const ALONE = 0.7;
/** Milliseconds for making a list shorter. */
const SHRINKING = 60_000;

const { values } = parseArgs({
  options: {
    ours: { type: "string" },
    theirs: { type: "string" },
    commands: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    families: { type: "string", default: Object.keys(FAMILIES).join() },
  },
});
const families = values.families.split(",");
const seed = Number(values.seed);
const ours = new Peer("demi-redis", values.ours);
const theirs = new Peer("redis-server", values.theirs);

/** Both as they were at the start. */
const CLEAN = [["DISCARD"], ["UNWATCH"], ["SELECT", "0"], ["FLUSHALL"]];
const clean = () => Promise.all([ours.send(CLEAN), theirs.send(CLEAN)]);

/** What is different after these commands; undefined: nothing. */
async function difference(commands) {
  await clean();
  for (let at = 0; at < commands.length; at += BATCH) {
    const found = await compareReplies(ours, theirs, commands.slice(at, at + BATCH));
    if (found !== undefined)
      return `${shown(found.command)}\n  demi-redis:   ${shown([found.ours])}\n  redis-server: ${shown([found.theirs])}`;
  }
  await Promise.all([ours.send([["DISCARD"]]), theirs.send([["DISCARD"]])]);
  return compareKeyspaces(ours, theirs);
}

const shown = (command) =>
  command.map((arg) => (/^[\w:.*$@([+-]{1,60}$/.test(arg) ? arg : JSON.stringify(arg).slice(0, 300))).join(" ");

let done = 0;
const programs = new Random(seed);
const begun = Date.now();
for (let last = begun; done < Number(values.commands); done += PROGRAM) {
  const chosen = families.length > 1 && programs.chance(ALONE) ? [programs.pick(families)] : families;
  const of = Math.floor(programs.next() * 2 ** 32);
  const generator = new Generator(of, chosen);
  const commands = Array.from({ length: PROGRAM }, () => generator.command());
  const found = await difference(commands);
  if (found !== undefined) {
    console.error(`they differ, seed ${seed}, program ${of} of ${chosen}:\n${found}`);
    const shorter = await shrink(commands, async (list) => (await difference(list)) !== undefined, SHRINKING);
    console.error(`${shorter.length} commands that show it:`);
    for (const command of shorter) console.error(`  ${shown(command)}`);
    console.error((await difference(shorter)) ?? "not again");
    console.log(JSON.stringify({ commands: done, seed, differs: true }));
    process.exit(1);
  }
  if (Date.now() - last > 10_000 && process.stderr.isTTY) {
    last = Date.now();
    console.error(`${done} of ${values.commands} commands`);
  }
}
console.log(JSON.stringify({ commands: done, seed, seconds: (Date.now() - begun) / 1000, differs: false }));
ours.end();
theirs.end();
