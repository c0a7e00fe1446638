// Two workers listen on one port, each by itself; who answers says who it is.
const cluster = require("node:cluster");
const { once } = require("node:events");
const net = require("node:net");

if (cluster.isPrimary) main();
else {
  const server = net.createServer((socket) => socket.end(String(cluster.worker.id)));
  server.listen(Number(process.env.PORT), "127.0.0.1");
  server.on("close", () => console.log("worker closed"));
}

async function main() {
  // A port that is free now.
  const probe = net.createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  const workers = [cluster.fork({ PORT: port }), cluster.fork({ PORT: port })];
  const told = [];
  for (const worker of workers) told.push(once(worker, "listening"));
  for (const [address] of await Promise.all(told)) console.log("listening", address.port === port, address.address);
  const seen = new Set();
  // The kernel chooses by a hash of the ports: soon both were chosen.
  for (let tries = 0; tries < 200 && seen.size < 2; tries++) {
    for await (const bytes of net.connect(port, "127.0.0.1")) seen.add(String(bytes));
  }
  console.log("answered by", [...seen].sort().join());
  cluster.disconnect(() => console.log("all gone"));
}
