// Listeners that throw: who handles uncaught exceptions finds everything else as it was.
const net = require("node:net");
const { once } = require("node:events");

process.on("uncaughtException", (error) => console.log("uncaught", error.message));

async function main() {
  let connections = 0;
  const server = net.createServer((socket) => {
    socket.on("data", (bytes) => {
      socket.write(bytes);
      if (String(bytes) === "data") throw new Error("of data");
    });
    if (++connections === 1) throw new Error("of connection");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const first = net.connect(server.address().port, "127.0.0.1");
  await once(first, "connect");
  const second = net.connect(server.address().port, "127.0.0.1");
  for (const socket of [first, second]) {
    for (const word of ["data", "more"]) {
      socket.write(word);
      console.log(String((await once(socket, "data"))[0]));
    }
    socket.end();
  }
  server.close();
}
main();
