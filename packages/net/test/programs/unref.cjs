// Nothing that keeps the process: it ends.
const net = require("node:net");
const server = net
  .createServer(() => {})
  .listen(0, "127.0.0.1", () => {
    const socket = net.connect(server.address().port, "127.0.0.1", () => {
      socket.unref();
      console.log("connected");
    });
  });
server.on("connection", (socket) => socket.unref());
server.unref();
// Until both have happened.
const waiting = setInterval(() => {}, 1000);
server.on("connection", () => clearInterval(waiting));
