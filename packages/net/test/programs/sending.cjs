// A server and a socket that are sent to a child: refused, and the process goes on.
const { fork } = require("node:child_process");
const { once } = require("node:events");
const net = require("node:net");

if (process.argv[2] === "child") process.once("message", () => process.disconnect());
else main();

async function main() {
  const child = fork(__filename, ["child"]);
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = net.connect(server.address());
  await once(socket, "connect");
  for (const handle of [server, socket]) {
    try {
      child.send("one", handle);
    } catch (error) {
      console.log(error.code);
    }
  }
  child.send("none");
  await once(child, "exit");
  socket.destroy();
  server.close();
}
