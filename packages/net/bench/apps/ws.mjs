// A ws server that echoes: node apps/ws.mjs SIDE. Says "ready PORT".
import http from "node:http";
import { WebSocketServer } from "ws";
import { listening } from "./listening.mjs";

const [side] = process.argv.slice(2);
const server = http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
await listening(side, server);
