// ES modules bind names when they are loaded: these must be the ones that register put there.
import { once } from "node:events";
import * as all from "node:net";
import net, { connect, createConnection, createServer, Socket } from "node:net";

console.log(
  net.connect === connect,
  all.connect === connect,
  net.createConnection === createConnection,
  net.Socket === Socket,
);
const server = createServer((socket) => socket.end("named")).listen(0, "127.0.0.1");
await once(server, "listening");
for (const socket of [connect(server.address()), new Socket().connect(server.address().port, "127.0.0.1")]) {
  for await (const bytes of socket) console.log(String(bytes));
}
server.close();
