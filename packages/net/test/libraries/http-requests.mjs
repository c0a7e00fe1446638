/** Requests and their answers: one after another, all at once, in pieces, wrong ones. */
import assert from "node:assert/strict";
import http from "node:http";
import { event, Talk, textOf } from "./support.mjs";

/** A request's answer, with its text. */
export async function ask(options, body) {
  const request = http.request(options);
  request.end(body);
  const [response] = await event(request, "response");
  return { status: response.statusCode, headers: response.headers, text: await textOf(response) };
}

export const casesOfRequests = (run) => ({
  "keep-alive: 300 requests on one connection": (via) =>
    run(via, async ({ where, seen }) => {
      for (let i = 0; i < 300; i++) {
        const { status, text } = await ask({ ...where, path: `/hello/${i}` });
        assert.deepEqual([status, text], [200, `hello ${i}`]);
      }
      assert.equal(seen.connections, 1);
    }),

  "pipelining: 100 requests at once, answered in order": (via) =>
    run(via, async ({ port }) => {
      const talk = await Talk.to(via.clientNet, port);
      const requests = Array.from(
        { length: 100 },
        (_, i) => `GET /hello/n${i}n HTTP/1.1\r\nHost: x\r\n${i === 99 ? "Connection: close\r\n" : ""}\r\n`,
      );
      talk.socket.write(requests.join(""));
      await talk.closes();
      assert.deepEqual(
        [...talk.text.matchAll(/hello n(\d+)n/g)].map((found) => Number(found[1])),
        Array.from({ length: 100 }, (_, i) => i),
      );
      assert.equal(talk.error, undefined);
    }),

  "Expect: 100-continue": (via) =>
    run(via, async ({ where }) => {
      const request = http.request({
        ...where,
        method: "POST",
        path: "/digest",
        headers: { Expect: "100-continue", "Content-Length": 5, "Content-Type": "application/octet-stream" },
      });
      request.flushHeaders();
      await event(request, "continue");
      request.end("hello");
      const [response] = await event(request, "response");
      assert.match(await textOf(response), /^5 2cf24dba/);
    }),

  "HEAD has no body, and the connection goes on": (via) =>
    run(via, async ({ where, seen }) => {
      const head = await ask({ ...where, method: "HEAD", path: "/hello/you" });
      assert.deepEqual([head.status, head.headers["content-length"], head.text], [200, "9", ""]);
      assert.equal((await ask({ ...where, path: "/hello/again" })).text, "hello again");
      assert.equal(seen.connections, 1);
    }),

  "404 for what is not there, and the connection goes on": (via) =>
    run(via, async ({ where, seen }) => {
      for (const path of ["/", "/nothing", "/hello/a/b"]) assert.equal((await ask({ ...where, path })).status, 404);
      assert.equal((await ask({ ...where, path: "/hello/again" })).text, "hello again");
      assert.equal(seen.connections, 1);
    }),

  "a request that is none: 400 and the end": (via) =>
    run(via, async ({ port }) => {
      for (const wrong of [
        "RUBBISH\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: z\r\n\r\n",
      ]) {
        const talk = await Talk.to(via.clientNet, port);
        talk.socket.write(wrong);
        await talk.closes();
        assert.match(talk.text, /^HTTP\/1\.1 400 Bad Request\r\n/);
      }
    }),

  "a request in pieces of one byte": (via) =>
    run(via, async ({ port }) => {
      const talk = await Talk.to(via.clientNet, port, { noDelay: true });
      const request =
        "POST /digest HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
      for (const byte of request) await new Promise((resolve) => talk.socket.write(byte, resolve));
      await talk.closes();
      assert.match(talk.text, /^HTTP\/1\.1 200 OK[\s\S]*5 2cf24dba/);
    }),
});
