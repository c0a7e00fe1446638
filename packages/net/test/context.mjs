/** node context.mjs node|libos: in which asynchronous context a socket's events are told. A line of JSON. */
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";

const net = process.argv[2] === "libos" ? await import("@demikernel/net") : await import("node:net");
const around = new AsyncLocalStorage();
const seen = new Set();
const see = (name) => seen.add(`${name}: ${around.getStore()}`);

const server = net.createServer((socket) => {
  see("connection");
  socket.on("data", (bytes) => {
    see("server's data");
    around.run("answer", () => socket.write(bytes));
  });
  socket.on("close", () => see("server's close"));
});
await once(server.listen(0, "127.0.0.1"), "listening");

const ended = [];
for (const name of ["first", "second"]) {
  const socket = around.run(name, () => net.connect(server.address().port, "127.0.0.1"));
  for (const event of ["connect", "end", "close"]) socket.on(event, () => see(`${name} ${event}`));
  ended.push(once(socket, "close"));
  await once(socket, "connect");
  for (let i = 0; i < 3; i++) {
    const answered = once(socket, "data");
    socket.once("data", () => see(`${name} data`));
    // With nothing under way: this wakes the loop.
    await new Promise((done) => setTimeout(done, 5));
    around.run("write", () => socket.write("x"));
    await answered;
  }
  around.run("end", () => socket.end());
}
await Promise.all(ended);
await once(server.close(), "close");

// What a listener enters stays with its connection.
let made = 0;
const entering = net.createServer((socket) => {
  const name = `entering ${made++}`;
  see(`${name} connection`);
  for (const event of ["data", "end", "close"]) socket.on(event, () => see(`${name} ${event}`));
  socket.on("data", (bytes) => {
    around.enterWith(`entered by ${name}`);
    socket.write(bytes);
  });
});
await once(entering.listen(0, "127.0.0.1"), "listening");
const clients = [];
for (let i = 0; i < 3; i++) {
  const socket = net.connect(entering.address().port, "127.0.0.1");
  clients.push(socket);
  await once(socket, "connect");
  for (const each of clients) {
    each.write("x");
    await once(each, "data");
  }
}
for (const each of clients) each.end();
await Promise.all(clients.map((each) => once(each, "close")));
await once(entering.close(), "close");

// What more is written than goes at once: its callbacks are the writer's.
const slow = net.createServer((socket) => socket.once("readable", () => setImmediate(() => socket.resume())));
await once(slow.listen(0, "127.0.0.1"), "listening");
const writer = net.connect(slow.address().port, "127.0.0.1");
await once(writer, "connect");
around.run("writer", () => {
  writer.write(Buffer.alloc(8 << 20), () => see("written"));
  writer.end(() => see("finished"));
});
await once(writer, "close");
const { port } = slow.address();
await once(slow.close(), "close");

// Nobody is there any more.
const refused = around.run("refused", () => net.connect(port, "127.0.0.1"));
await new Promise((done) => refused.on("error", ({ code }) => see(`refused ${code}`)).on("close", done));
console.log(JSON.stringify([...seen].sort()));
