// Sockets on a libOS that the application runs itself, beside a queue of its own. Prints a line of JSON.
import { once } from "node:events";
import { Opcode, openLibOS, PushFlag } from "@demikernel/core";
import { close, connect, createServer, open, share } from "@demikernel/net";

const os = await openLibOS();
const own = os.queue();
const seen = { own: 0, theirs: 0, echoed: "" };
const take = share(os);
const errors = [];
for (const again of [() => share(os), () => open()]) {
  try {
    await again();
  } catch (error) {
    errors.push(error.code);
  }
}
const running = os.run((event) => {
  if (take(event)) {
    seen.theirs++;
  } else if (event.opcode === Opcode.POP && event.qd === own) {
    os.free(event.sga);
    seen.own++;
    os.pop(own);
  }
});
os.pop(own);
const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
await once(server, "listening");
const client = connect(server.address().port, "127.0.0.1");
client.on("data", (bytes) => {
  seen.echoed += bytes;
});
for (let i = 0; i < 10; i++) {
  client.write(`${i}`);
  os.push(own, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
  await once(client, "data");
}
const ended = once(client, "close");
close();
await ended;
// The libOS is the application's still.
os.push(own, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
const before = seen.own;
while (seen.own === before) await new Promise((resolve) => setImmediate(resolve));
const { appSlots, queues } = os.stats();
os.stop();
await running;
console.log(JSON.stringify({ ...seen, theirs: seen.theirs > 20, errors, closed: os.closed, appSlots, queues }));
os.destroy();
// What is left of sockets when the application has ended the libOS under them makes no trouble.
const other = await openLibOS();
const takeOther = share(other);
const end = new Promise((resolve) => {
  createServer(() => other.stop()).listen(0, "127.0.0.1", function () {
    const late = connect(this.address().port, "127.0.0.1");
    late.on("error", () => {});
    resolve(late);
  });
});
await other.run(takeOther);
other.destroy();
(await end).destroy();
close();
