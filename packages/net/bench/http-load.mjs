// http load over any net: node http-load.mjs SIDE HOST PORT CONNECTIONS SECONDS. Each connection has one request under way. Prints JSON.
import { netOf } from "./apps/listening.mjs";

const [side, host, port, connections, seconds] = process.argv.slice(2);
const net = await netOf(side);
const REQUEST = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
/** Compiling, and connecting, are not measured: milliseconds. */
const WARM_UP = 700;
const times = [];
let isCounting = false;
let isOver = false;

function run() {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(port), noDelay: true });
    let begun = 0;
    // All replies are as long as the first.
    let replyBytes = 0;
    let got = 0;
    const next = () => {
      begun = performance.now();
      socket.write(REQUEST);
    };
    socket.on("connect", () => {
      resolve();
      next();
    });
    socket.on("error", (error) => {
      if (!isOver) reject(error);
    });
    socket.on("data", (bytes) => {
      got += bytes.length;
      if (replyBytes === 0) replyBytes = lengthOf(bytes);
      if (got < replyBytes) return;
      got -= replyBytes;
      if (isCounting) times.push(performance.now() - begun);
      if (!isOver) next();
    });
  });
}

function lengthOf(bytes) {
  const text = bytes.toString();
  const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
  const head = text.indexOf("\r\n\r\n");
  if (head < 0 || length === undefined) throw new Error(`no reply: ${text}`);
  return head + 4 + Number(length);
}

await Promise.all(Array.from({ length: Number(connections) }, run));
setTimeout(() => {
  isCounting = true;
  const start = performance.now();
  setTimeout(() => {
    isOver = true;
    const elapsed = (performance.now() - start) / 1000;
    const sorted = Float64Array.from(times).sort();
    const { length } = sorted;
    const figures = {
      count: length,
      rps: length / elapsed,
      p50: sorted[length >> 1],
      p99: sorted[Math.floor(length * 0.99)],
    };
    process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
  }, Number(seconds) * 1000);
}, WARM_UP);
