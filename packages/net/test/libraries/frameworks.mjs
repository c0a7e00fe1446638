/** One application, written for express and for fastify: what the http cases ask it. */
import http from "node:http";
import { digestOf, flow } from "./support.mjs";

/** What an application saw. */
export class Seen {
  connections = 0;
  /** Bytes that were made to be downloaded. */
  made = 0;
  aborted = 0;
  requestsClosed = 0;
  responsesCut = 0;
  /** Requests of /hanging, which nobody answers or reads. */
  hanging = [];

  watch(server) {
    server.on("connection", () => this.connections++);
    return server;
  }

  note(request, response) {
    request.on("aborted", () => this.aborted++);
    request.on("close", () => this.requestsClosed++);
    response.on("close", () => {
      if (!response.writableFinished) this.responsesCut++;
    });
  }
}

const download = (seen, bytes) =>
  flow(bytes, (some) => {
    seen.made += some;
  });

export async function express(options, seen) {
  const { default: express } = await import("express");
  const app = express();
  app.use((request, response, next) => {
    seen.note(request, response);
    next();
  });
  app.get("/hello/:name", (request, response) => response.type("text").send(`hello ${request.params.name}`));
  app.post("/echo", (request, response) => request.pipe(response));
  app.post("/digest", async (request, response) => response.send(await digestOf(request)));
  app.get("/download/:bytes", (request, response) => download(seen, Number(request.params.bytes)).pipe(response));
  app.all("/hanging", (request, response) => seen.hanging.push({ request, response }));
  return seen.watch(http.createServer(options, app));
}

export async function fastify(options, seen) {
  const { default: fastify } = await import("fastify");
  const app = fastify({ serverFactory: (handler) => http.createServer(options, handler), bodyLimit: 2 ** 30 });
  app.addHook("onRequest", (request, reply, next) => {
    seen.note(request.raw, reply.raw);
    next();
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));
  app.get("/hello/:name", async (request) => `hello ${request.params.name}`);
  app.post("/echo", (request, reply) => reply.send(request.body));
  app.post("/digest", async (request) => digestOf(request.body));
  app.get("/download/:bytes", (request, reply) => reply.send(download(seen, Number(request.params.bytes))));
  app.all("/hanging", (request, reply) => {
    reply.hijack();
    seen.hanging.push({ request: request.raw, response: reply.raw });
  });
  await app.ready();
  return seen.watch(app.server);
}
