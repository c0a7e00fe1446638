// A Worker opens a libOS of its own; the main thread connects to it.
import { once } from "node:events";
import net from "node:net";
import { isMainThread, parentPort, threadId, Worker } from "node:worker_threads";

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  const [port] = await once(worker, "message");
  for await (const bytes of net.connect(port, "127.0.0.1")) console.log(String(bytes));
  const [code] = await once(worker, "exit");
  console.log("worker ended", code);
} else {
  const server = net.createServer((socket) => {
    const { _handle } = socket;
    socket.end(`thread ${threadId} ${_handle === null}`);
    server.close();
  });
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
}
