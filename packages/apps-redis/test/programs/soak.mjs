#!/usr/bin/env node
// Clients that come, go and die at random while others check what they are answered.
//
//   node soak.mjs --port PORT [--seconds N] [--seed N] [--clients N]
//
// Prints one line of JSON: what was done. Exits with 1 at the first wrong reply.
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Generator } from "../oracle/generator.mjs";
import { Peer } from "../oracle/peer.mjs";
import { Random } from "../oracle/random.mjs";
import { encode } from "../resp.mjs";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "24" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const port = Number(values.port);
const seed = Number(values.seed);
const end = Date.now() + Number(values.seconds) * 1000;
const done = { seed, connections: 0, commands: 0, checked: 0, died: 0 };

/** How a client dies: with half a request, replies unread, a transaction open, a wait begun, subscribed, or in silence. */
const DEATHS = [
  () => "*3\r\n$3\r\nSET\r\n$5\r\nhal",
  () => encode(Array.from({ length: 200 }, () => ["LRANGE", "l:0", "0", "-1"])),
  () => encode([["MULTI"], ["SET", "s:0", "1"]]),
  () => encode([["BLPOP", "nobody", "0"]]),
  () =>
    encode([
      ["SUBSCRIBE", "news"],
      ["PSUBSCRIBE", "n*"],
    ]),
  () =>
    encode([
      ["CLIENT", "TRACKING", "ON"],
      ["GET", "s:0"],
    ]),
  () => encode([["WATCH", "s:0"]]),
  () => "",
];

/** Commands at random, nothing checked, and a death. */
async function reckless(random) {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
  const generator = new Generator(random.below(2 ** 32));
  const count = random.below(300);
  socket.write(encode(Array.from({ length: count }, () => generator.command())), "latin1");
  done.commands += count;
  socket.resume();
  await pause(random.below(50));
  socket.write(random.pick(DEATHS)(), "latin1");
  done.died++;
  if (random.chance(0.5)) await pause(random.below(100));
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
}

/** Keys of its own, every reply known. */
async function careful(random, name) {
  const peer = new Peer(name, port);
  const model = new Map();
  const list = [];
  const check = (what, got, wanted) => {
    done.checked++;
    if (got === wanted) return;
    console.error(`${name}, seed ${seed}: ${what} gave ${JSON.stringify(got)} for ${JSON.stringify(wanted)}`);
    process.exit(1);
  };
  for (let n = random.below(200); n >= 0 && Date.now() < end; n--) {
    done.commands++;
    const key = `${name}:${random.below(10)}`;
    switch (random.below(5)) {
      case 0: {
        const value = "v".repeat(random.below(random.chance(0.05) ? 300_000 : 100));
        model.set(key, value);
        check("SET", await peer.ask("SET", key, value), "OK");
        break;
      }
      case 1:
        check("GET", await peer.ask("GET", key), model.get(key) ?? null);
        break;
      case 2:
        list.push(String(n));
        check("RPUSH", await peer.ask("RPUSH", `${name}:list`, String(n)), list.length);
        break;
      case 3:
        check("LPOP", await peer.ask("LPOP", `${name}:list`), list.shift() ?? null);
        break;
      case 4:
        check("DEL", await peer.ask("DEL", key), model.delete(key) ? 1 : 0);
        break;
    }
  }
  await peer.ask("DEL", `${name}:list`, ...Array.from({ length: 10 }, (_, i) => `${name}:${i}`));
  peer.end();
}

async function worker(number) {
  const random = new Random(seed + number);
  for (let life = 0; Date.now() < end; life++) {
    done.connections++;
    // What the reckless ones flush is not the careful ones': FLUSHALL is not among the random commands.
    if (number % 2 === 0) await reckless(random);
    else await careful(random, `own${number}-${life}`);
  }
}

await Promise.all(Array.from({ length: Number(values.clients) }, (_, number) => worker(number)));
console.log(JSON.stringify(done));
