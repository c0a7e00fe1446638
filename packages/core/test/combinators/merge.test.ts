import { constants } from "node:os";
import { PushFlag } from "../../src/types.js";
import { close, os, pending, pop, pops, push, text } from "./support.js";

const { ECANCELED, EBADF, EMSGSIZE, ENOMSG } = constants.errno;

describe("merge", () => {
  test("pops from either, taking turns while both have elements, each in its order", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    push(a, "a0", "a1", "a2", "a3");
    push(b, "b0", "b1");
    const got = pops(both, 6);
    expect(got.filter((each) => `${each}`[0] === "a")).toEqual(["a0", "a1", "a2", "a3"]);
    expect(got.filter((each) => `${each}`[0] === "b")).toEqual(["b0", "b1"]);
    expect(got.slice(0, 4).sort()).toEqual(["a0", "a1", "b0", "b1"]);
    close(both, a, b);
  });

  test("pops that wait are served in order, whichever source brings", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    const waiting = Array.from({ length: 6 }, () => os.pop(both));
    for (const qt of waiting) expect(pending(qt)).toBe(true);
    push(b, 0, 1);
    push(a, 2);
    push(b, 3);
    push(a, 4, 5);
    expect(os.waitAll(waiting, 1000).map(text)).toEqual(["0", "1", "2", "3", "4", "5"]);
    close(both, a, b);
  });

  test("takes nothing from a source that nobody asked for", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    push(a, "a0");
    expect(pop(both)).toBe("a0");
    push(a, "a1");
    push(b, "b0");
    expect([pop(a), pop(b)]).toEqual(["a1", "b0"]);
    close(both, a, b);
  });

  test("a push goes to both; it ends when both ended, and gives its memory back once", () => {
    const [a, b] = [os.queue({ capacity: 1 }), os.queue({ capacity: 2 })];
    const both = os.merge(a, b);
    const kept = os.sga.from("kept");
    expect(os.wait(os.push(both, kept), 1000).result).toBe(4);
    os.free(kept);
    const second = os.push(both, os.sga.from("second"), PushFlag.FREE);
    const third = os.push(both, os.sga.from("third"), PushFlag.FREE);
    expect(pending(second)).toBe(true);
    expect([pop(a), pop(a)]).toEqual(["kept", "second"]);
    expect(os.wait(second, 1000).result).toBe(6);
    expect(pending(third)).toBe(true);
    expect([pop(b), pop(b), pop(b), pop(a)]).toEqual(["kept", "second", "third", "third"]);
    expect(os.wait(third, 1000).result).toBe(5);
    close(both, a, b);
  });

  test("a push ends with the first error", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    close(a);
    expect(os.wait(os.push(both, os.sga.from("x"), PushFlag.FREE), 1000).result).toBe(-EBADF);
    expect(pop(b)).toBe("x");
    expect(os.wait(os.push(both, os.alloc(0), PushFlag.FREE), 1000).result).toBe(-ENOMSG);
    close(b, both);
  });

  test("an ended source is told once and then left out; when both have ended every pop says so", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    const waiting = [os.pop(both), os.pop(both)];
    expect(pending(waiting[0])).toBe(true);
    close(a);
    expect(os.wait(waiting[0], 1000).result).toBe(-ECANCELED);
    expect(pending(waiting[1])).toBe(true);
    push(b, "still here");
    expect(text(os.wait(waiting[1], 1000))).toBe("still here");
    const last = [os.pop(both), os.pop(both)];
    expect(pending(last[0])).toBe(true);
    close(b);
    expect(os.waitAll(last, 1000).map(text)).toEqual([-ECANCELED, -ECANCELED]);
    expect(pops(both, 2)).toEqual([-ECANCELED, -ECANCELED]);
    close(both);
  });

  test("a limit that is too small leaves the element for a later pop", () => {
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    push(a, "long");
    push(b, "longer");
    expect(pop(both, 2)).toBe(-EMSGSIZE);
    expect([pop(both), pop(both)].sort()).toEqual(["long", "longer"]);
    const waiting = [os.pop(both, 2), os.pop(both)];
    push(a, "long");
    expect(os.waitAll(waiting, 1000).map(text)).toEqual([-EMSGSIZE, "long"]);
    close(both, a, b);
  });
});
