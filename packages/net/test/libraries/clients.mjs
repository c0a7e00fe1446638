/** http clients: node:http, undici, and what Node has built in, against one server. */
import assert from "node:assert/strict";
import http from "node:http";
import { Client, Pool, request, stream } from "undici";
import { ask } from "./http-requests.mjs";
import { digestOf, flow, patternOf, within } from "./support.mjs";

const BYTES = 8 * 1024 * 1024;

async function serving(via, use) {
  let connections = 0;
  const server = http.createServer(async (request, response) => {
    if (request.method === "POST") response.end(await digestOf(request));
    else if (request.url === "/large") flow(BYTES).pipe(response);
    else if (request.url === "/cut")
      response.writeHead(200, { "content-length": 10 }).write("12345", () => response.destroy());
    else response.end(request.url);
  });
  server.on("connection", () => connections++);
  const { port, close } = await via.listen(server);
  try {
    await use({ port, origin: `http://127.0.0.1:${port}`, connections: () => connections });
  } finally {
    server.closeAllConnections();
    await close();
  }
}

/** undici's way to be given sockets. */
const connectOf = (via) => via.mode === "explicit" && { connect: via.net.connector() };

async function using(dispatcher, use) {
  try {
    await use(dispatcher);
  } finally {
    await dispatcher.destroy();
  }
}

export default {
  "http.request, 8 at once": (via) =>
    serving(via, async ({ port, connections }) => {
      const agent = via.agent({ keepAlive: true, maxSockets: 8 });
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => ask({ host: "127.0.0.1", port, agent, path: `/${i}` })),
      );
      for (const [i, { text }] of answers.entries()) assert.equal(text, `/${i}`);
      assert.equal(connections(), 8);
      agent.destroy();
    }),

  "http.request with createConnection": (via) =>
    serving(via, async ({ port }) => {
      const createConnection = (options) => via.clientNet.connect(options);
      const { text } = await ask({ host: "127.0.0.1", port, path: "/made", createConnection });
      assert.equal(text, "/made");
    }),

  "undici: a Client with 10 requests in its pipeline": (via) =>
    serving(via, ({ origin, connections }) =>
      using(new Client(origin, { pipelining: 10, ...connectOf(via) }), async (client) => {
        const answers = Array.from({ length: 100 }, async (_, i) => {
          const { body } = await client.request({ method: "GET", path: `/${i}` });
          return body.text();
        });
        assert.deepEqual(
          await Promise.all(answers),
          Array.from({ length: 100 }, (_, i) => `/${i}`),
        );
        assert.equal(connections(), 1);
      }),
    ),

  "undici: request and stream through a Pool, up and down": (via) =>
    serving(via, ({ origin }) =>
      using(new Pool(origin, { connections: 4, ...connectOf(via) }), async (dispatcher) => {
        const whole = await digestOf(flow(BYTES));
        const up = await request(origin, { dispatcher, method: "POST", body: flow(BYTES) });
        assert.equal(await up.body.text(), whole);
        const down = await request(`${origin}/large`, { dispatcher });
        assert.equal(await digestOf(down.body), whole);
        const { PassThrough } = await import("node:stream");
        const through = new PassThrough();
        const digest = digestOf(through);
        await stream(`${origin}/large`, { dispatcher, method: "GET" }, () => through);
        assert.equal(await within(digest, "the stream's end"), whole);
      }),
    ),

  "undici: an answer that is cut, a request that is aborted": (via) =>
    serving(via, ({ origin }) =>
      using(new Client(origin, connectOf(via)), async (client) => {
        const cut = await client.request({ method: "GET", path: "/cut" });
        await assert.rejects(cut.body.text(), (error) => /other side closed|terminated|aborted/.test(error.message));
        const abort = new AbortController();
        const large = await client.request({ method: "GET", path: "/large", signal: abort.signal });
        abort.abort();
        await assert.rejects(large.body.text(), { name: "AbortError" });
        const { body } = await client.request({ method: "GET", path: "/after" });
        assert.equal(await body.text(), "/after");
      }),
    ),

  "undici: nobody listens": (via) =>
    serving(via, async () => {
      let port;
      await serving(via, async (gone) => {
        port = gone.port;
      });
      await using(new Client(`http://127.0.0.1:${port}`, connectOf(via)), async (client) => {
        await assert.rejects(client.request({ method: "GET", path: "/" }), { code: "ECONNREFUSED" });
      });
    }),

  "the built-in fetch": async (via) => {
    if (via.socketOptions.createConnection) return "it has no way to be given sockets";
    await serving(via, async ({ origin }) => {
      assert.equal(await (await fetch(`${origin}/hello`)).text(), "/hello");
      const up = await fetch(origin, { method: "POST", body: patternOf(1024 * 1024) });
      assert.match(await up.text(), /^1048576 /);
      const down = await fetch(`${origin}/large`);
      assert.equal(await digestOf(down.body), await digestOf(flow(BYTES)));
      await assert.rejects((await fetch(`${origin}/cut`)).text());
    });
    return undefined;
  },
};
