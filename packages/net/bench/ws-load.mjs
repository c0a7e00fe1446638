// Load for a ws echo server, over the kernel: node ws-load.mjs PORT CONNECTIONS SIZE SECONDS. Each connection has one message under way. Prints JSON.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

const [port, connections, size, seconds] = process.argv.slice(2).map(Number);
/** RFC 6455 section 5.2: a masked binary frame; the key is all zeros, as good as any other for a server. */
function frameOf(length, isMasked) {
  const mask = isMasked ? 0x80 : 0;
  const head = length < 126 ? [0x82, mask | length] : [0x82, mask | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0), Buffer.alloc(length, "x")]);
}
const request = frameOf(size, true);
const replyBytes = frameOf(size, false).length;
const times = [];
let isOver = false;

const open = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const key = randomBytes(16).toString("base64");
    socket.write(
      `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    socket.once("error", reject);
    socket.once("data", (head) => {
      if (head.toString().startsWith("HTTP/1.1 101")) resolve(socket);
      else reject(new Error(head.toString()));
    });
  });

function run(socket) {
  let begun = 0;
  let got = 0;
  const next = () => {
    begun = performance.now();
    socket.write(request);
  };
  socket.on("data", (bytes) => {
    got += bytes.length;
    if (got < replyBytes) return;
    got -= replyBytes;
    times.push(performance.now() - begun);
    if (!isOver) next();
  });
  next();
}

const sockets = [];
for (let i = 0; i < connections; i++) sockets.push(await open());
const start = performance.now();
for (const socket of sockets) run(socket);
setTimeout(() => {
  isOver = true;
  const elapsed = (performance.now() - start) / 1000;
  for (const socket of sockets) socket.destroy();
  const sorted = Float64Array.from(times).sort();
  const { length } = sorted;
  console.log(
    JSON.stringify({
      count: length,
      rps: length / elapsed,
      p50: sorted[length >> 1],
      p99: sorted[Math.floor(length * 0.99)],
    }),
  );
}, seconds * 1000);
