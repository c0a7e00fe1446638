import { constants } from "node:os";
import { PushFlag } from "../../src/types.js";
import { close, code, os, pending, pop, pops, push, text } from "./support.js";

const { ECANCELED, EBADF, EOPNOTSUPP } = constants.errno;

describe("qconnect", () => {
  test("moves elements in order until it is closed; the queues stay open", () => {
    const [from, to] = [os.queue(), os.queue()];
    const pipe = os.qconnect(from, to);
    push(from, 1, 2, 3);
    expect(pops(to, 3)).toEqual(["1", "2", "3"]);
    close(pipe);
    push(from, 4);
    push(to, 5);
    expect([pop(from), pop(to)]).toEqual(["4", "5"]);
    close(from, to);
  });

  test("a full sink holds back the source", () => {
    const [from, to] = [os.queue({ capacity: 4 }), os.queue({ capacity: 2 })];
    const pipe = os.qconnect(from, to);
    const tokens = Array.from({ length: 40 }, (_, i) => os.push(from, os.sga.from(`${i}`), PushFlag.FREE));
    let done = 0;
    for (let i = 0; i < 100; i++) os.turn(() => done++);
    // 2 are in the sink, 8 on their way to it, 4 in the source; the other pushes wait.
    expect(done).toBe(2 + 8 + 4);
    expect(pops(to, 40)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
    for (let i = 0; i < 5; i++) os.turn(() => done++);
    expect(done).toBe(tokens.length);
    close(pipe, from, to);
  });

  test("ends with the error of its source or its sink: a pop of it tells, also later", () => {
    for (const closeSource of [true, false]) {
      const [from, to] = [os.queue(), os.queue()];
      const pipe = os.qconnect(from, to);
      const waiting = [os.pop(pipe), os.pop(pipe)];
      expect(pending(waiting[0])).toBe(true);
      close(closeSource ? from : to);
      if (!closeSource) push(from, "lost");
      const error = closeSource ? -ECANCELED : -EBADF;
      expect(os.waitAll(waiting, 1000).map(text)).toEqual([error, error]);
      expect(pop(pipe)).toBe(error);
      close(pipe, closeSource ? to : from);
    }
  });

  test("takes no pushes, and connects no queue to itself", () => {
    const [from, to] = [os.queue(), os.queue()];
    const pipe = os.qconnect(from, to);
    expect(os.wait(os.push(pipe, os.sga.from("x"), PushFlag.FREE), 1000).result).toBe(-EOPNOTSUPP);
    expect(code(() => os.qconnect(from, from))).toBe("EINVAL");
    close(pipe, from, to);
  });

  test("runs by itself in Node's loop", async () => {
    const [from, to] = [os.queue(), os.queue()];
    const pipe = os.qconnect(from, to);
    const arrived = os.async.pop(to);
    await os.async.push(from, os.sga.from("by itself"), { free: true });
    const sga = await arrived;
    expect(os.sga.copy(sga).toString()).toBe("by itself");
    os.free(sga);
    close(pipe, from, to);
  });
});
