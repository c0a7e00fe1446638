/** The baseline a Node.js programmer would write: node:net, nothing clever. Prints where it listens; ends on SIGTERM. */
import { type AddressInfo, createServer } from "node:net";

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
server.listen({ host: "127.0.0.1", port: 0, backlog: 1024 }, () => {
  console.log(`listening 127.0.0.1:${(server.address() as AddressInfo).port}`);
});
