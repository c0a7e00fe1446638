/**
 * An application with Express and ws, as it is over node:net: node [--import register] app.mjs HOST PORT. It knows nothing of backends; by hand, where no
 * register is (BY_HAND), it is given its connections by serve().
 */
import { createHash } from "node:crypto";
import http from "node:http";
import express from "express";
import { WebSocketServer } from "ws";

const [host, port] = process.argv.slice(2);
const app = express();
app.get("/", (_request, response) => response.send("hello"));
app.post("/hash", (request, response) => {
  const hash = createHash("sha256");
  request.on("data", (bytes) => hash.update(bytes));
  request.on("end", () => response.send(hash.digest("hex")));
});
const server = http.createServer(app);
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
const said = () => console.log(`listening on ${server.address().address}`);
if (process.env.BY_HAND) {
  const { serve } = await import("@demikernel/net");
  serve(server, { host, port: Number(port) }, said);
} else {
  server.listen(Number(port), host, said);
}
