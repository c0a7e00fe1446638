// Streams: node apps/stream.mjs SIDE. Who connects says in a line how many bytes it wants ("get N") or sends ("put N"). Says "ready PORT".
import { netOf } from "./listening.mjs";

const [side] = process.argv.slice(2);
const CHUNK = Buffer.alloc(64 * 1024, "x");
const net = await netOf(side);
const server = net.createServer((socket) => {
  socket.on("error", () => {});
  socket.once("data", (first) => {
    const line = first.indexOf(10);
    const [what, size] = first.subarray(0, line).toString().split(" ");
    if (what === "get") send(socket, Number(size));
    else take(socket, Number(size) - (first.length - line - 1));
  });
});

function send(socket, rest) {
  const more = () => {
    while (rest > 0) {
      const some = Math.min(rest, CHUNK.length);
      rest -= some;
      if (!socket.write(some === CHUNK.length ? CHUNK : CHUNK.subarray(0, some))) return;
    }
    socket.off("drain", more);
    socket.end();
  };
  socket.on("drain", more);
  more();
}

function take(socket, rest) {
  socket.on("data", (bytes) => {
    rest -= bytes.length;
    if (rest === 0) socket.end("done");
  });
}
server.listen(0, "127.0.0.1", () => console.log(`ready ${server.address().port}`));
