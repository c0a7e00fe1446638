/** ioredis against a server that is a program of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { AbstractConnector, Redis } from "ioredis";
import { answers, freePort } from "./ports.mjs";
import { happens, patternOf, until, within } from "./support.mjs";

/** Milliseconds that ioredis waits for a connection's end. */
const DISCONNECT = 200;

class Program {
  constructor(port, command) {
    this.port = port;
    this.command = command;
  }

  static async start(command) {
    const program = new Program(await freePort(), command);
    await program.start();
    return program;
  }

  async start() {
    const { file, args, options } = this.command(this.port);
    this.child = spawn(file, args, { stdio: "ignore", ...options });
    await answers(this.port, "the server of Redis");
  }

  async stop() {
    const gone = once(this.child, "exit");
    if (this.child.kill()) await gone;
  }
}

/** ioredis' way to be given sockets. */
const connectorOf = (via, port) =>
  via.socketOptions.createConnection && {
    Connector: class extends AbstractConnector {
      constructor() {
        super(DISCONNECT);
      }
      connect() {
        this.connecting = true;
        this.stream = via.clientNet.connect(port, "127.0.0.1");
        return Promise.resolve(this.stream);
      }
    },
  };

async function using(via, { port }, use, options) {
  const clients = [];
  const connect = () => {
    const redis = new Redis({
      host: "127.0.0.1",
      port,
      disconnectTimeout: DISCONNECT,
      ...connectorOf(via, port),
      ...options,
    });
    redis.on("error", () => {});
    clients.push(redis);
    return redis;
  };
  try {
    await use(connect(), connect);
  } finally {
    for (const redis of clients) {
      const ended = redis.status === "end" ? undefined : happens(redis, "end");
      redis.disconnect();
      await ended;
    }
  }
}

/** `command` says how to start it on a port. */
export const casesOf = (command) => ({
  begin: () => Program.start(command),
  end: (program) => program.stop(),
  cases: {
    "a pipeline of 2000, and a transaction": (via, program) =>
      using(via, program, async (redis) => {
        const pipeline = redis.pipeline();
        for (let i = 0; i < 1000; i++) pipeline.set(`key:${i}`, `value ${i}`).get(`key:${i}`);
        const replies = await pipeline.exec();
        for (const [i, reply] of replies.entries())
          assert.deepEqual(reply, [null, i % 2 === 0 ? "OK" : `value ${(i - 1) / 2}`]);
        assert.deepEqual(await redis.multi().incr("n").incr("n").exec(), [
          [null, 1],
          [null, 2],
        ]);
      }),

    "automatic pipelining of what is asked at once": (via, program) =>
      using(
        via,
        program,
        async (redis) => {
          const replies = await Promise.all(
            Array.from({ length: 500 }, (_, i) => redis.set(`auto:${i}`, i).then(() => redis.get(`auto:${i}`))),
          );
          assert.deepEqual(
            replies,
            Array.from({ length: 500 }, (_, i) => `${i}`),
          );
        },
        { enableAutoPipelining: true },
      ),

    "values of 10 MB": (via, program) =>
      using(via, program, async (redis) => {
        const value = patternOf(10 * 1024 * 1024);
        assert.equal(await redis.set("large", value), "OK");
        const came = await redis.getBuffer("large");
        assert.ok(came.equals(value), `${came.length} bytes`);
        await redis.del("large");
      }),

    "published messages come to who subscribes": (via, program) =>
      using(via, program, async (redis, connect) => {
        const subscriber = connect();
        const came = [];
        subscriber.on("message", (_channel, message) => came.push(message));
        await subscriber.subscribe("news");
        for (let i = 0; i < 200; i++) assert.equal(await redis.publish("news", `${i}`), 1);
        await until(() => came.length === 200, "200 messages");
        assert.deepEqual(
          came,
          Array.from({ length: 200 }, (_, i) => `${i}`),
        );
        await subscriber.unsubscribe("news");
      }),

    "commands that wait": (via, program) =>
      using(via, program, async (redis, connect) => {
        const other = connect();
        const waiting = redis.blpop("list", 10);
        await other.ping();
        await until(async () => /cmd=blpop/.test(await other.client("LIST")), "the waiting client");
        await other.rpush("list", "element");
        assert.deepEqual(await waiting, ["list", "element"]);
        assert.equal(await redis.blpop("list", 0.05), null);
      }),

    "the server goes and comes again: so does the client": (via, program) =>
      using(via, program, async (redis) => {
        await redis.set("before", "x");
        const lost = happens(redis, "close");
        await program.stop();
        await lost;
        // Asked while nobody is there.
        const answer = redis.set("after", "y");
        await happens(redis, "reconnecting");
        await program.start();
        assert.equal(await within(answer, "the answer after the restart"), "OK");
        assert.equal(await redis.get("after"), "y");
      }),
  },
});
