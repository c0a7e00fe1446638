/** close() of the package while its libOS is being opened, and while sockets of all kinds are there. A line of JSON. */
import { once } from "node:events";
import * as net from "@demikernel/net";

const told = [];
const codeOf = (promise) =>
  promise.then(
    () => "opened",
    ({ code }) => code,
  );

const opening = net.open({ libos: "posix" });
// Without an address to look up: it waits for the libOS at once.
const early = net.createServer().listen(0);
const earlyError = once(early, "error");
net.close();
told.push(await codeOf(opening), (await earlyError)[0].code);

// Two at once, of which the first is given up.
const given = net.open({ libos: "posix" });
net.close();
const second = net.open({ libos: "posix" });
told.push(await codeOf(given), await codeOf(second), await codeOf(net.open({ libos: "posix" })));

const sockets = [];
const server = net.createServer((socket) => {
  sockets.push(socket);
  socket.on("close", (hadError) => told.push(`accepted ${hadError}`));
  // Whoever closes it may be within a listener.
  socket.on("data", () => net.close());
});
await once(server.listen(0, "127.0.0.1"), "listening");
const datagrams = net.createSocket("udp4");
datagrams.bind(0, "127.0.0.1");
await once(datagrams, "listening");
const reader = { buffer: Buffer.alloc(8), callback: () => true };
let client;
for (const options of [{ onread: reader }, {}]) {
  const socket = net.connect({ port: server.address().port, host: "127.0.0.1", ...options });
  await Promise.all([once(socket, "connect"), once(server, "connection")]);
  socket.on("close", (hadError) => told.push(`client ${hadError}`));
  sockets.push(socket);
  client = socket;
}
const closed = [server, datagrams, ...sockets].map((each) => once(each, "close"));
client.write("x");
await Promise.all(closed);
told.push(server.listening, client.destroyed);

// The next use opens another.
const next = net.createServer().listen(0, "127.0.0.1");
await once(next, "listening");
await once(next.close(), "close");
console.log(JSON.stringify(told));
