// Writes garbage into the rings of a libOS with open sockets, as a broken application could: nothing may crash, and the libOS
// must still serve afterwards. node corrupt-ring.mjs <engine> <seed>
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import posix from "@demikernel/libos-posix";

const [engine, seedText] = process.argv.slice(2);
const header = readFileSync(
  createRequire(import.meta.url)
    .resolve("@demikernel/core/package.json")
    .replace("package.json", "native/include/demi/layout.hpp"),
  "utf8",
);
const layout = Object.fromEntries(
  [...header.matchAll(/constexpr std::int32_t k(\w+) = (0x[0-9a-f]+|\d+);/g)].map(([, name, value]) => [
    name,
    Number(value),
  ]),
);

let state = Number(seedText) | 0;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Math.floor(((state >>> 0) / 2 ** 32) * below);
};

const entries = 256;
const os = posix.load().open(
  {
    ringEntries: entries,
    tokens: 512,
    queues: 64,
    classes: [
      { size: 256, count: 64 },
      { size: 4096, count: 256 },
      { size: 65536, count: 8 },
    ],
  },
  { name: "posix", options: { engine } },
);
const words = new Int32Array(os.rings);
const sq = words[layout.WordSqBase];
const listener = os.socket(false, 4, "stream", 0);
os.bind(listener, "127.0.0.1", 0);
os.listen(listener, 16);
const port = os.name(listener, false)[1];
const udp = os.socket(true, 4, "stream", 0);
os.bind(udp, "127.0.0.1", 0);
const framed = os.socket(false, 4, "dmtr", 1000);
const peers = [];
const peer = () => {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("data from the peer");
  socket.resume();
  peers.push(socket);
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

const known = [listener, udp, framed];
for (let round = 0; round < 3000; ++round) {
  if (peers.length < 20 && round % 50 === 0) peer();
  let tail = words[layout.WordSqTail];
  for (let i = random(8); i > 0; --i, ++tail) {
    const at = sq + (tail & (entries - 1)) * layout.EntryWords;
    const sane = random(4) !== 0;
    words[at + layout.SqeOp] = sane ? (1 + random(6)) | (random(8) << 8) : random(2 ** 32);
    words[at + layout.SqeQd] = sane ? known[random(known.length)] : random(2 ** 32);
    words[at + layout.SqeQt] = sane ? (1 << layout.TokenIndexBits) + random(512) : random(2 ** 32);
    words[at + layout.SqeArg] = random(3) === 0 ? random(2 ** 32) : random(100000);
  }
  words[layout.WordSqTail] = random(40) === 0 ? random(2 ** 32) : tail;
  words[layout.WordWait] = random(500) === 0 ? random(2 ** 32) : random(20);
  os.poll();
  const waiting = words[layout.WordCqTail] - words[layout.WordCqHead];
  // Accepted connections are used by later rounds.
  const head = words[layout.WordCqHead];
  for (let i = 0; i < Math.min(waiting, entries); ++i) {
    const value = words[words[layout.WordCqBase] + ((head + i) & (entries - 1)) * layout.EntryWords + layout.CqeValue];
    if (value > 0 && known.length < 40) known.push(value);
  }
  words[layout.WordCqHead] = head + Math.min(waiting, entries);
  words[layout.WordReturnedCount] = random(100) === 0 ? random(2 ** 32) : 0;
  if (random(20) === 0) os.cancel(random(2) === 0 ? (1 << layout.TokenIndexBits) + random(512) : random(2 ** 32));
  if (random(200) === 0 && known.length > 3) os.close(known.splice(3 + random(known.length - 3), 1)[0]);
  if (round % 10 === 0) await turn();
}
for (const qd of known) os.close(qd);
for (const socket of peers) socket.destroy();
words[layout.WordWait] = 1000;
os.poll();
const { queues, invalidEntries } = os.stats();
os.destroy();
process.stdout.write(`${JSON.stringify({ queues, invalidEntries })}\n`);
process.exit(0);
