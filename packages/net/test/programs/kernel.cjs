// What is not TCP by a name and a port: a pipe, a descriptor, a child's streams, datagrams.
const { spawn } = require("node:child_process");
const dgram = require("node:dgram");
const { once } = require("node:events");
const fs = require("node:fs");
const net = require("node:net");
const { join } = require("node:path");

async function read(stream) {
  let text = "";
  for await (const bytes of stream) text += bytes;
  return text;
}

async function main() {
  const path = join(process.argv[2], "socket");
  const server = net.createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, "listening");
  console.log("at", server.address() === path);
  for (const connect of [() => net.connect(path), () => net.connect({ path }), () => new net.Socket().connect(path)]) {
    const socket = connect();
    socket.end("pipe");
    console.log(await read(socket));
  }
  server.close();

  const child = spawn("cat", { stdio: "pipe" });
  child.stdin.end("child");
  console.log(await read(child.stdout), child.stdin instanceof net.Socket);

  const descriptor = spawn("sh", ["-c", "echo descriptor >&3"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  console.log((await read(descriptor.stdio[3])).trim());

  const file = `${process.argv[2]}/fifo`;
  require("node:child_process").execFileSync("mkfifo", [file]);
  const writer = spawn("sh", ["-c", `echo fifo > ${file}`]);
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  await once(writer, "exit");
  console.log((await read(new net.Socket({ fd, readable: true, writable: false }))).trim());

  const datagrams = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(datagrams, "listening");
  datagrams.send("datagram", datagrams.address().port, "127.0.0.1");
  console.log(String((await once(datagrams, "message"))[0]));
  datagrams.close();
}
main();
