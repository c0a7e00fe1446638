/** http and ws as a client: node [--import register] client.mjs HOST PORT. Says what it has had. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { text } from "node:stream/consumers";
import WebSocket from "ws";

const [host, port] = process.argv.slice(2);
const net = process.env.BY_HAND ? await import("@demikernel/net") : undefined;
const agent = net === undefined ? new http.Agent({ keepAlive: true }) : new net.Agent({ keepAlive: true });
const REQUESTS = 50;
const MESSAGES = 20;
const MEBIBYTE = 2 ** 20;

async function ask(path, body) {
  const request = http.request({ host, port, path, agent, method: body === undefined ? "GET" : "POST" });
  request.end(body);
  const [response] = await once(request, "response");
  return text(response);
}

for (let i = 0; i < REQUESTS; i++) assert.equal(await ask("/"), "hello");
const body = randomBytes(MEBIBYTE);
assert.equal(await ask("/hash", body), createHash("sha256").update(body).digest("hex"));
agent.destroy();

const createConnection = net && ((options) => net.connect({ host: options.host, port: options.port }));
const socket = new WebSocket(`ws://${host}:${port}`, { createConnection });
await once(socket, "open");
for (let i = 0; i < MESSAGES; i++) {
  const message = randomBytes(1 + i * 4096);
  socket.send(message);
  const [data] = await once(socket, "message");
  assert.ok(message.equals(data), `message ${i}`);
}
socket.close();
await once(socket, "close");
console.log(`${REQUESTS} requests, an upload, ${MESSAGES} messages`);
