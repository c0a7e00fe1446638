// The peer's TLS has ended, and a reset follows: it is no error any more (RFC 5246 section 7.2.1).
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const net = require("node:net");
const { join } = require("node:path");
const tls = require("node:tls");

const read = (name) => readFileSync(join(process.argv[2], name));
const host = "127.0.0.1";

async function main() {
  const server = tls.createServer({ key: read("server.key"), cert: read("server.pem") }, (socket) => {
    socket.resume().end("all of it");
  });
  server.listen(0, host);
  await once(server, "listening");
  let middle;
  // Tells TLS's end, but not TCP's.
  const between = net.createServer((socket) => {
    middle = socket;
    const on = net.connect(server.address().port, host);
    on.on("data", (bytes) => socket.write(bytes));
    socket.on("data", (bytes) => on.write(bytes));
    socket.on("close", () => on.destroy());
  });
  between.listen(0, host);
  await once(between, "listening");
  const client = tls.connect({
    port: between.address().port,
    host,
    ca: read("ca.pem"),
    servername: "localhost",
    allowHalfOpen: true,
  });
  client.on("error", (error) => console.log(error.code));
  client.on("close", (hadError) => console.log("close", hadError));
  client.on("data", (bytes) => console.log(String(bytes)));
  client.on("end", () => {
    middle.resetAndDestroy();
    between.close(() => client.end("a word"));
    server.close();
  });
}
main();
