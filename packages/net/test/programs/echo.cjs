// CommonJS, as most libraries are: a server, and sockets made in all ways that there are.
const net = require("node:net");
const { once } = require("node:events");

const ways = {
  connect: (port) => net.connect(port, "127.0.0.1"),
  createConnection: (port) => net.createConnection({ port, host: "localhost" }),
  Socket: (port) => new net.Socket().connect(port, "127.0.0.1"),
  called: (port) => net.Socket().connect({ port, host: "127.0.0.1" }),
  Stream: (port) => new net.Stream().connect(port, "127.0.0.1"),
  class: (port) =>
    new (class Line extends net.Socket {
      constructor() {
        super({ allowHalfOpen: false });
        this.lines = 0;
      }
      connect(...args) {
        this.lines++;
        return super.connect(...args);
      }
      get [Symbol.toStringTag]() {
        return `Line${this.lines}`;
      }
    })().connect(port, "127.0.0.1"),
};

async function main() {
  const server = net.createServer((socket) => socket.pipe(socket)).listen(0);
  // As Node's: at once.
  console.log("listening", server.listening, server.address().port > 0);
  await once(server, "listening");
  for (const [way, connect] of Object.entries(ways)) {
    const socket = connect(server.address().port);
    socket.end(`${way} `);
    let text = "";
    for await (const bytes of socket.setEncoding("utf8")) text += bytes;
    console.log(text, socket instanceof net.Socket, Object.prototype.toString.call(socket));
  }
  server.close();
}
main();
