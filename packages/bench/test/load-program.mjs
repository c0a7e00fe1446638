// A load generator for the tests of one: what it is told at its start, and what its loads ask for.
import { answerLoads } from "@demikernel/bench";

const about = JSON.parse(process.argv[2]);
if (about.broken) throw new Error("no such device");
answerLoads(async ({ wrong, die }) => {
  if (wrong) throw new Error("wrong bytes came back");
  if (die) process.exit(7);
  return { about, pid: process.pid };
});
