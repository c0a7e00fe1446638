/** Ends in the middle, ends of idle connections, and ends by the clock. */
import assert from "node:assert/strict";
import http from "node:http";
import { ask } from "./http-requests.mjs";
import { event, Talk, until, within } from "./support.mjs";

const BINARY = { "Content-Type": "application/octet-stream" };
const HELLO = "GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n";

export const casesOfEnds = (run) => ({
  "a client aborts its upload: the handler hears of it": (via) =>
    run(via, async ({ where, seen }) => {
      const request = http.request({
        ...where,
        method: "POST",
        path: "/hanging",
        headers: { ...BINARY, "Content-Length": 1000 },
      });
      request.on("error", () => {});
      request.write("some of it");
      await until(() => seen.hanging.length === 1, "the request");
      const [{ request: cut }] = seen.hanging;
      cut.on("error", () => {}).resume();
      request.destroy();
      await until(
        () => seen.aborted === 1 && seen.requestsClosed === 1 && seen.responsesCut === 1,
        "aborted and close",
      );
      assert.equal(cut.complete, false);
    }),

  "a client aborts its download: the response is closed, unfinished": (via) =>
    run(via, async ({ where, seen }) => {
      const request = http.get({ ...where, path: "/download/100000000" });
      const [response] = await event(request, "response");
      response.on("error", () => {});
      response.once("data", () => response.destroy());
      await until(() => seen.responsesCut === 1, "the response's end");
      assert.ok(seen.made < 100_000_000);
    }),

  "a server aborts its answer: the client hears of it": (via) =>
    run(via, async ({ where, seen }) => {
      const request = http.get({ ...where, path: "/hanging" });
      await until(() => seen.hanging.length === 1, "the request");
      const [{ response }] = seen.hanging;
      response.writeHead(200, { "Content-Length": 1000 });
      response.write("some of it");
      const [answer] = await event(request, "response");
      const cut = event(answer, "aborted");
      answer.resume();
      const failed = new Promise((resolve) => answer.on("error", resolve));
      response.destroy();
      await cut;
      assert.equal((await within(failed, "the error")).code, "ECONNRESET");
    }),

  "close() ends idle connections and waits for busy ones": (via) =>
    run(via, async ({ port, close, seen, where }) => {
      const idle = await Promise.all(Array.from({ length: 5 }, () => Talk.to(via.clientNet, port)));
      for (const talk of idle) talk.socket.write(HELLO);
      await Promise.all(idle.map((talk) => talk.says(/hello you$/)));
      const busy = ask({ ...where, path: "/hanging" });
      await until(() => seen.hanging.length === 1, "the request");
      let isClosed = false;
      const closing = close().then(() => {
        isClosed = true;
      });
      await Promise.all(idle.map((talk) => talk.closes()));
      assert.equal(isClosed, false);
      const [{ response }] = seen.hanging;
      response.setHeader("Connection", "close");
      response.end("late");
      assert.equal((await busy).text, "late");
      await within(closing, "the server's close");
      const refused = via.clientNet.connect(port, "127.0.0.1");
      const [error] = await within(
        new Promise((resolve) => refused.once("error", (error) => resolve([error]))),
        "the refusal",
      );
      assert.equal(error.code, "ECONNREFUSED");
    }),

  "closeAllConnections() ends busy ones": (via) =>
    run(via, async ({ port, server, seen }) => {
      const talks = await Promise.all(Array.from({ length: 5 }, () => Talk.to(via.clientNet, port)));
      for (const talk of talks) talk.socket.write("GET /hanging HTTP/1.1\r\nHost: x\r\n\r\n");
      await until(() => seen.hanging.length === 5, "the requests");
      server.closeAllConnections();
      await Promise.all(talks.map((talk) => talk.closes()));
      await until(() => seen.responsesCut === 5, "the responses' ends");
    }),

  "keepAliveTimeout ends who asks nothing more": (via) =>
    run(
      via,
      async ({ port }) => {
        const talk = await Talk.to(via.clientNet, port);
        talk.socket.write(HELLO);
        await talk.says(/hello you$/);
        await talk.closes();
        assert.equal(talk.error, undefined);
      },
      { keepAliveTimeout: 50 },
    ),

  "headersTimeout and requestTimeout: 408 and the end": (via) =>
    run(
      via,
      async ({ port }) => {
        for (const begun of [
          "GET /hello/you HTTP/1.1\r\nHost:",
          "POST /hanging HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\nab",
        ]) {
          const talk = await Talk.to(via.clientNet, port);
          talk.socket.write(begun);
          await talk.closes();
          assert.match(talk.text, /^HTTP\/1\.1 408 Request Timeout\r\n/);
        }
      },
      { headersTimeout: 150, requestTimeout: 300, connectionsCheckingInterval: 50 },
    ),
});
