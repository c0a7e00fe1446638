#!/usr/bin/env node
// Kills a server with `appendfsync always` under load, again and again, and looks whether it has what it acknowledged, and nothing that was not sent.
//
//   node crash.mjs [--rounds N] [--seed N] [--clients N] [--folder F] [--rewrite] [--slow] -- PROGRAM ARGUMENTS...
//
// The program is started anew for each round, with the folder as its working one, and prints a line with "ready on HOST:PORT". Each client appends the
// numbers from 1 on to a list of its own, one request after the other or several together, some between MULTI and EXEC with a counter that has to be
// as long as the list. On a machine that is slow the time until it is killed counts from the first reply on. Prints one line of JSON; exits with 1 at
// the first number that is missing, or that nobody sent.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { Random } from "../oracle/random.mjs";
import { encode, ReplyReader } from "../resp.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "10" },
    clients: { type: "string", default: "12" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    folder: { type: "string", default: "." },
    rewrite: { type: "boolean", default: false },
    progress: { type: "boolean", default: false },
    slow: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const random = new Random(seed);
const done = { seed, rounds: 0, acknowledged: 0, unacknowledged: 0, cut: 0, rewrites: 0 };
/** Milliseconds for a server to be ready. */
const PATIENCE = values.slow ? 300_000 : 60_000;
/** Milliseconds that a server is written to, at most. */
const LONGEST_ROUND = values.slow ? 1500 : 400;

/** What a client has had sent, and what of it was acknowledged: numbers up to there. */
class Writer {
  constructor(id) {
    this.key = `list:${id}`;
    this.counter = `count:${id}`;
    this.sent = 0;
    this.acknowledged = 0;
    /** Of a round that is over. */
    this.found = 0;
  }

  /** Writes until the server is gone; tells when the first of it was acknowledged. */
  async run(port, begun) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    const reader = new ReplyReader();
    const waiting = [];
    const more = () => {
      const commands = [];
      for (let n = 1 + random.below(random.below(4) === 0 ? 20 : 2); n > 0; n--) {
        this.sent++;
        const own = [
          ["RPUSH", this.key, this.sent],
          ["INCR", this.counter],
        ];
        if (random.below(3) === 0) {
          commands.push(["MULTI"], ...own, ["EXEC"]);
          waiting.push(0, 0, 0, this.sent);
        } else {
          commands.push(...own);
          waiting.push(0, this.sent);
        }
      }
      socket.write(encode(commands), "latin1");
    };
    socket.on("connect", more);
    socket.on("data", (bytes) => {
      reader.add(bytes);
      for (let answer = reader.next(); answer !== undefined; answer = reader.next()) {
        if (answer.value instanceof Error) fail(`a write was answered ${answer.value.message}`);
        const number = waiting.shift();
        if (number !== 0) {
          this.acknowledged = number;
          begun();
        }
      }
      if (waiting.length === 0) more();
    });
    // Not by once(), which an error would end before.
    await new Promise((resolve) => socket.once("close", resolve));
  }

  /** Compares with what the server has; goes on from there. */
  check([list, counter]) {
    if (list.length < this.acknowledged)
      fail(`${this.key} has ${list.length} numbers, ${this.acknowledged} were acknowledged`);
    if (list.length > this.sent) fail(`${this.key} has ${list.length} numbers, ${this.sent} were sent`);
    const wrong = list.findIndex((text, i) => Number(text) !== i + 1);
    if (wrong >= 0) fail(`${this.key} has ${list[wrong]} behind ${wrong}`);
    // Outside of a transaction the server may have been killed between the two.
    const behind = list.length - Number(counter ?? 0);
    if (behind !== 0 && behind !== 1) fail(`${this.counter} is ${counter}, the list has ${list.length}`);
    done.acknowledged += this.acknowledged - this.found;
    done.unacknowledged += list.length - this.acknowledged;
    this.repair = behind;
    this.sent = this.acknowledged = this.found = list.length;
  }
}

let running;

function fail(what) {
  running?.kill("SIGKILL");
  console.log(JSON.stringify({ ...done, failed: what }));
  process.exit(1);
}

async function start() {
  const child = spawn(positionals[0], positionals.slice(1), { cwd: values.folder, stdio: ["ignore", "pipe", "pipe"] });
  running = child;
  let told = "";
  child.stderr.on("data", (bytes) => {
    told += bytes;
    if (/were cut off|are left out/.test(String(bytes))) done.cut++;
  });
  const timer = setTimeout(() => fail(`the server is not ready: ${told}`), PATIENCE);
  const gone = once(child, "exit");
  gone.then(() => clearTimeout(timer));
  for await (const line of createInterface({ input: child.stdout })) {
    const ready = /ready on .*:(\d+), /.exec(line);
    if (ready === null) continue;
    clearTimeout(timer);
    return { child, gone, port: Number(ready[1]), said: () => told };
  }
  return fail(`the server has ended: ${told}`);
}

/** The replies to commands that are sent in one go. */
async function call(port, commands) {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(encode(commands), "latin1");
  const reader = new ReplyReader();
  const replies = [];
  for await (const bytes of socket) {
    reader.add(bytes);
    for (let answer = reader.next(); answer !== undefined; answer = reader.next()) replies.push(answer.value);
    if (replies.length === commands.length) break;
  }
  return replies;
}

const writers = Array.from({ length: Number(values.clients) }, (_, id) => new Writer(id));
for (; done.rounds <= Number(values.rounds); done.rounds++) {
  const { child, gone, port, said } = await start();
  const found = await call(
    port,
    writers.flatMap(({ key, counter }) => [
      ["LRANGE", key, 0, -1],
      ["GET", counter],
    ]),
  );
  for (const [i, writer] of writers.entries()) writer.check(found.slice(i * 2, i * 2 + 2));
  const repairs = writers.filter(({ repair }) => repair === 1).map(({ counter }) => ["INCR", counter]);
  // Lists begin anew before they are long.
  if (writers.some(({ sent }) => sent > 5000)) {
    await call(port, [["FLUSHALL"]]);
    for (const writer of writers) writer.sent = writer.acknowledged = writer.found = 0;
  } else if (repairs.length !== 0) {
    await call(port, repairs);
  }
  if (done.rounds === Number(values.rounds)) {
    child.kill();
    await gone;
    break;
  }
  let writing;
  const begun = new Promise((resolve) => {
    writing = writers.map((writer) => writer.run(port, resolve));
  });
  if (values.slow) await Promise.race([begun, gone]);
  if (values.rewrite && random.below(2) === 0) {
    done.rewrites++;
    setTimeout(() => call(port, [["BGREWRITEAOF"]]).catch(() => {}), random.below(LONGEST_ROUND / 2));
  }
  await new Promise((resolve) => setTimeout(resolve, 5 + random.below(LONGEST_ROUND)));
  child.kill("SIGKILL");
  const [status, signal] = await gone;
  if (signal !== "SIGKILL") fail(`the server ended by itself, with ${status ?? signal}: ${said()}`);
  await Promise.all(writing);
  if (values.slow || (values.progress && done.rounds % 20 === 19)) console.error(JSON.stringify(done));
}
console.log(JSON.stringify(done));
