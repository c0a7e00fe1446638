/** Many clients of one http server, over the kernel: told by lines on its input what to do, and answers each with a line of JSON. */
import net from "node:net";
import { createInterface } from "node:readline";

const [port, many, chunk] = process.argv.slice(2).map(Number);
const REQUEST = "GET /x HTTP/1.1\r\nHost: crowd\r\n\r\n";
const sockets = [];
const faults = { errors: 0, closes: 0, wrong: 0 };
let isEnding = false;

function connect() {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(socket));
    socket.setEncoding("latin1");
    socket.on("error", (error) => {
      faults.errors++;
      reject(error);
    });
    socket.on("close", () => {
      if (!isEnding) faults.closes++;
    });
    sockets.push(socket);
  });
}

function ask(socket) {
  return new Promise((resolve) => {
    let text = "";
    const onData = (more) => {
      text += more;
      if (!text.endsWith("served\n")) return;
      socket.off("data", onData);
      if (!text.startsWith("HTTP/1.1 200")) faults.wrong++;
      resolve();
    };
    socket.on("data", onData);
    socket.write(REQUEST);
  });
}

async function inChunks(list, act) {
  for (let i = 0; i < list.length; i += chunk) await Promise.all(list.slice(i, i + chunk).map(act));
}

const acts = {
  connect: () => inChunks(Array.from({ length: many }), connect),
  ask: () => inChunks(sockets, ask),
  end: () => {
    isEnding = true;
    return Promise.all(
      sockets.map(
        (socket, i) =>
          new Promise((resolve) => {
            socket.on("close", resolve);
            // One of three by a reset.
            if (i % 3 === 0) socket.resetAndDestroy();
            else if (i % 3 === 1) socket.destroy();
            else socket.end();
          }),
      ),
    );
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const error = await acts[line]().then(
    () => undefined,
    (thrown) => String(thrown),
  );
  process.stdout.write(`${JSON.stringify({ done: line, open: sockets.length, error, ...faults })}\n`);
}
