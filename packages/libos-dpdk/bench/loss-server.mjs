// The other end of the loss benchmark, as a program: its services on a libOS, or on the kernel's sockets. As JSON: `options` of openLibOS(),
// none for the kernel; the address; the bytes of a bulk transfer. With `wait` it begins once it is told that its wire is there.
import { once } from "node:events";
import { ports, requestBytes } from "./loss-measures.mjs";
import { openHost } from "./loss-streams.mjs";

const { options, host, bytes, wait } = JSON.parse(process.argv[2]);
if (wait) {
  process.send("started");
  await once(process, "message");
}
const end = await openHost(options);

/** Reads `bytes` at a time, and answers with the longest time between two arrivals meanwhile, in ms. */
await end.listen(host, ports.sink, async (stream) => {
  let got = 0;
  let longest = 0;
  let last;
  for (let n = await stream.receive(); n > 0; n = await stream.receive()) {
    const now = performance.now();
    if (last !== undefined) longest = Math.max(longest, now - last);
    last = now;
    got += n;
    if (got < bytes) continue;
    await stream.send(Buffer.from(longest.toFixed(3)));
    got -= bytes;
    longest = 0;
    last = undefined;
  }
  stream.close();
});

/** Sends `bytes` for each byte it gets. */
await end.listen(host, ports.source, async (stream) => {
  const data = Buffer.alloc(bytes, "b");
  for (let n = await stream.receive(); n > 0; n = await stream.receive()) {
    for (; n > 0; n--) await stream.send(data);
  }
  stream.close();
});

/** Answers requests, each once it is whole, with as many bytes. */
await end.listen(host, ports.echo, async (stream) => {
  const data = Buffer.alloc(requestBytes, "m");
  let got = 0;
  for (let n = await stream.receive(); n > 0; n = await stream.receive()) {
    for (got += n; got >= requestBytes; got -= requestBytes) await stream.send(data);
  }
  stream.close();
});

process.on("disconnect", () => process.exit(0));
process.send("ready");
