/** Bodies: chunked both ways, large ones both ways, and readers that do not read. */
import assert from "node:assert/strict";
import http from "node:http";
import { pipeline } from "node:stream/promises";
import { digestOf, event, flow, patternOf, settled, textOf, watchMemory, within } from "./support.mjs";

const LARGE = 100 * 1024 * 1024;
/** What buffers may take meanwhile: a fraction of what goes through. */
const MOST_MEMORY = 48 * 1024 * 1024;
/** What a connection takes whose reader does not read: its sockets' buffers of the kernel, and ours. */
const MOST_TAKEN = 24 * 1024 * 1024;
const BINARY = { "Content-Type": "application/octet-stream" };

export const casesOfBodies = (run) => ({
  "chunked both ways": (via) =>
    run(via, async ({ where }) => {
      const request = http.request({ ...where, method: "POST", path: "/echo", headers: BINARY });
      const sent = [];
      const began = event(request, "response");
      let answer;
      for (let i = 0; i < 200; i++) {
        const piece = patternOf(1 + ((i * 7919) % 5000), i);
        sent.push(piece);
        if (!request.write(piece)) await event(request, "drain");
        // The server begins to answer.
        if (i === 0) answer = (await began)[0].toArray();
      }
      request.end();
      const came = Buffer.concat(await within(answer, "the whole answer"));
      assert.ok(came.equals(Buffer.concat(sent)), `${came.length} bytes came`);
    }),

  "an upload of 100 MB, in little memory": (via) =>
    run(via, async ({ where }) => {
      const most = watchMemory();
      const request = http.request({ ...where, method: "POST", path: "/digest", headers: BINARY });
      const answer = event(request, "response", 30_000);
      await pipeline(flow(LARGE), request);
      const [response] = await answer;
      assert.equal(await textOf(response), await digestOf(flow(LARGE)));
      const memory = most();
      assert.ok(memory < MOST_MEMORY, `${memory} bytes of buffers`);
    }),

  "a download of 100 MB to a reader who pauses, in little memory": (via) =>
    run(via, async ({ where, seen }) => {
      const most = watchMemory();
      const request = http.get({ ...where, path: `/download/${LARGE}` });
      const [response] = await event(request, "response");
      const taken = await settled(() => seen.made, "what is made for a reader who does not read");
      assert.ok(taken > 0 && taken < MOST_TAKEN, `${taken} bytes were made`);
      assert.equal(await within(digestOf(response), "the whole answer", 30_000), await digestOf(flow(LARGE)));
      const memory = most();
      assert.ok(memory < MOST_MEMORY, `${memory} bytes of buffers`);
    }),

  "an upload to a handler who does not read: the client waits, and goes on": (via) =>
    run(via, async ({ where, seen }) => {
      let made = 0;
      const request = http.request({ ...where, method: "POST", path: "/hanging", headers: BINARY });
      const answer = event(request, "response");
      const sending = pipeline(
        flow(LARGE, (some) => (made += some)),
        request,
      );
      const taken = await settled(() => made, "what is sent to a handler who does not read");
      assert.ok(taken > 0 && taken < MOST_TAKEN, `${taken} bytes were taken`);
      assert.equal(seen.hanging.length, 1);
      const [{ request: stalled, response: reply }] = seen.hanging;
      reply.end(await within(digestOf(stalled), "the whole upload", 30_000));
      await sending;
      assert.equal(await textOf((await answer)[0]), await digestOf(flow(LARGE)));
    }),
});
