// The other end of a stream, over the kernel: node stream-load.mjs PORT get|put BYTES. Prints JSON.
import { connect } from "node:net";

const [port, what, size] = process.argv.slice(2);
const bytes = Number(size);
const CHUNK = Buffer.alloc(64 * 1024, "x");
const start = performance.now();
let got = 0;
const socket = connect({
  port: Number(port),
  host: "127.0.0.1",
  onread: {
    buffer: Buffer.alloc(256 * 1024),
    callback: (some) => {
      got += some;
      return true;
    },
  },
});
socket.write(`${what} ${bytes}\n`);
if (what === "put") {
  let rest = bytes;
  const more = () => {
    while (rest > 0) {
      const some = Math.min(rest, CHUNK.length);
      rest -= some;
      if (!socket.write(some === CHUNK.length ? CHUNK : CHUNK.subarray(0, some))) return;
    }
    socket.off("drain", more);
  };
  socket.on("drain", more);
  more();
}
socket.on("end", () => {
  if (what === "get" ? got !== bytes : got !== 4) throw new Error(`${got} bytes came`);
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ count: bytes, rps: bytes / seconds }));
  socket.end();
});
