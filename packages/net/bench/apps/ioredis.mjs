// A client with ioredis: node apps/ioredis.mjs SIDE REDIS_PORT. Says "ready PORT", where it is told over the kernel's loopback how many GETs to make
// ("N CONCURRENT"), and answers what they took.
import { createServer } from "node:net";
import Redis from "ioredis";
import { netOf } from "./listening.mjs";

const [side, port] = process.argv.slice(2);
const options = { host: "127.0.0.1", port: Number(port), lazyConnect: true, enableReadyCheck: false };
if (side !== "node") {
  const net = await netOf(side);
  // As ioredis' own StandaloneConnector, with another net beneath.
  const { default: Connector } = await import("ioredis/built/connectors/StandaloneConnector.js");
  options.Connector = class extends (Connector.default ?? Connector) {
    connect() {
      this.connecting = true;
      this.stream = net.connect({ host: options.host, port: options.port });
      return Promise.resolve(this.stream);
    }
  };
}
const redis = new Redis(options);
await redis.connect();
await redis.set("key", "x".repeat(64));

async function load(total, concurrent) {
  const times = new Float64Array(total);
  let begun = 0;
  const one = async () => {
    while (begun < total) {
      const i = begun++;
      const start = performance.now();
      await redis.get("key");
      times[i] = performance.now() - start;
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: concurrent }, one));
  const seconds = (performance.now() - start) / 1000;
  times.sort();
  return { count: total, rps: total / seconds, p50: times[total >> 1], p99: times[Math.floor(total * 0.99)] };
}

const control = createServer((socket) => {
  socket.once("data", async (line) => {
    const [total, concurrent] = line.toString().split(" ").map(Number);
    socket.end(JSON.stringify(await load(total, concurrent)));
  });
});
control.listen(0, "127.0.0.1", () => console.log(`ready ${control.address().port}`));
