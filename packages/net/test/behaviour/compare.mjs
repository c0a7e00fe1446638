/** By hand: `node compare.mjs [part of a name [part of a subject]]` runs all subjects, and says what fails and what differs from node:net. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect, isDeepStrictEqual } from "node:util";
import { LEFT_OVER } from "./cases.mjs";
import { SUBJECTS } from "./subject.mjs";

const RUNNER = fileURLToPath(new URL("./runner.mjs", import.meta.url));
const [, , part = "", only = ""] = process.argv;
const lines = (value) => inspect(value, { depth: 9, breakLength: 100 }).split("\n");

/** The lines that one has and the other has not. */
function difference(node, ours) {
  const [a, b] = [lines(node), lines(ours)];
  let from = 0;
  while (from < a.length && a[from] === b[from]) from++;
  let [endA, endB] = [a.length, b.length];
  while (endA > from && endB > from && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  return [
    ...a.slice(from, endA).map((line) => `  node: ${line}`),
    ...b.slice(from, endB).map((line) => `  ours: ${line}`),
  ].join("\n");
}

async function results(subject) {
  const child = spawn(process.execPath, ["--no-warnings", RUNNER, subject, part], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const bytes of child.stdout) text += bytes;
  return new Map(
    text
      .split("\n")
      .filter(Boolean)
      .map(JSON.parse)
      .map((line) => [line.name, line]),
  );
}

const node = await results("node:net");
for (const line of node.values())
  if (line.status === "failed") console.log(`node:net FAILS ${line.name}\n${line.error}\n`);
console.log(`node:net: ${node.size} cases`);
const others = Object.keys(SUBJECTS).slice(1);
for (const subject of others.filter((name) => name.includes(only))) {
  const ours = await results(subject);
  let good = 0;
  for (const line of ours.values()) {
    if (line.status === "failed") console.log(`${subject} FAILS ${line.name}\n${line.error}\n`);
    else if (line.status === "skipped") console.log(`${subject} skips ${line.name}: ${line.reason}`);
    else if (line.name !== LEFT_OVER && !isDeepStrictEqual(line.result, node.get(line.name)?.result)) {
      console.log(`${subject} DIFFERS in ${line.name}\n${difference(node.get(line.name)?.result, line.result)}\n`);
    } else good++;
  }
  console.log(`${subject}: ${good} of ${ours.size} as node:net`);
}
