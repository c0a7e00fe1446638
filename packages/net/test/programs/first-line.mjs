// Without --import: the first line of the application, and once more.
import "../../dist/register.js";
import "../../dist/register.js?again";
import { once } from "node:events";
import net, { connect, createServer } from "node:net";
import { openStack } from "../../dist/stack.js";

const server = createServer((socket) => socket.end("first")).listen(0, "127.0.0.1");
await once(server, "listening");
for await (const bytes of connect(server.address())) console.log(String(bytes), net.connect === connect);
server.close();
await once(server, "close");
console.log(openStack().os.stats().completed > 3);
