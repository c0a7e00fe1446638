// An http server: node apps/http.mjs SIDE KIND [HOST]; SIDE is node or the options of a libOS as JSON, KIND hello or fastify. Says "ready PORT".
import http from "node:http";
import { listening } from "./listening.mjs";

const [side, kind, host] = process.argv.slice(2);
if (kind === "fastify") {
  const { default: fastify } = await import("fastify");
  let server;
  const app = fastify({
    serverFactory: (handler) => {
      server = http.createServer(handler);
      return server;
    },
  });
  const schema = {
    response: { 200: { type: "object", properties: { hello: { type: "string" }, n: { type: "integer" } } } },
  };
  app.get("/", { schema }, async () => ({ hello: "world", n: 42 }));
  await app.ready();
  await listening(side, server, host);
} else {
  const server = http.createServer((_request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end("hello world\n");
  });
  await listening(side, server, host);
}
