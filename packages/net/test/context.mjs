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
console.log(JSON.stringify([...seen].sort()));
