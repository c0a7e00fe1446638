import { constants } from "node:os";
import { PushFlag, type QueueDescriptor, type QueueToken, type Sga } from "../../src/types.js";
import { close, code, number, os, pending, pop, pops, push, text, warnings } from "./support.js";

const { ECANCELED, EINVAL, EMSGSIZE } = constants.errno;

describe("filter", () => {
  test("pops what matches, in order, and frees the rest", () => {
    const qd = os.queue();
    const even = os.filter(qd, (sga) => number(sga) % 2 === 0);
    push(qd, 1, 2, 3, 4, 5, 6, 7);
    expect(pops(even, 3)).toEqual(["2", "4", "6"]);
    const waiting = os.pop(even);
    expect(pending(waiting)).toBe(true);
    push(qd, 9, 10);
    expect(text(os.wait(waiting, 1000))).toBe("10");
    close(even, qd);
  });

  test("looks at nothing before somebody pops", () => {
    const qd = os.queue();
    let looked = 0;
    const odd = os.filter(qd, () => ++looked > 0);
    push(qd, 1, 2, 3);
    expect(looked).toBe(0);
    expect(pop(odd)).toBe("1");
    expect(looked).toBe(1);
    expect(pops(qd, 2)).toEqual(["2", "3"]);
    close(odd, qd);
  });

  test("many pops that wait are served in order across elements that do not match", () => {
    const qd = os.queue();
    const even = os.filter(qd, (sga) => number(sga) % 2 === 0);
    const waiting = Array.from({ length: 100 }, () => os.pop(even));
    for (let i = 0; i < 200; i++) push(qd, i);
    expect(os.waitAll(waiting, 1000).map(text)).toEqual(Array.from({ length: 100 }, (_, i) => `${2 * i}`));
    close(even, qd);
  });

  test("a push passes when it matches, else ends with 0, in the order of the pushes", () => {
    const qd = os.queue({ capacity: 1 });
    const even = os.filter(qd, (sga) => number(sga) % 2 === 0);
    const values = [2, 3, 4, 5];
    const tokens: QueueToken[] = values.map((n) => os.push(even, os.sga.from(`${n}`), PushFlag.FREE));
    const seen: [number, number][] = [];
    os.turn(({ qt, result }) => seen.push([values[tokens.indexOf(qt)], result]));
    os.turn(({ qt, result }) => seen.push([values[tokens.indexOf(qt)], result]));
    expect(seen).toEqual([
      [2, 1],
      [3, 0],
    ]);
    expect(pop(qd)).toBe("2");
    expect(os.waitAll(tokens.slice(2), 1000).map(({ result }) => result)).toEqual([1, 0]);
    expect(pop(qd)).toBe("4");
    close(even, qd);
  });

  test("without FREE the sga stays the application's, whether it matches or not", () => {
    const qd = os.queue();
    const even = os.filter(qd, (sga) => number(sga) % 2 === 0);
    for (const value of ["1", "2"]) {
      const sga = os.sga.from(value);
      expect(os.wait(os.push(even, sga), 1000).result).toBe(value === "2" ? 1 : 0);
      expect(os.sga.copy(sga).toString()).toBe(value);
      os.free(sga);
    }
    expect(pop(qd)).toBe("2");
    close(even, qd);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("predicate broke");
      },
    ],
    ["gives a promise", async () => true],
  ])("a predicate that %s ends the pop or push with EINVAL, and the element is freed", (_what, broken) => {
    const qd = os.queue();
    const good = (sga: Sga) => (number(sga) < 0 ? (broken() as unknown as boolean) : true);
    const filtered = os.filter(qd, good);
    push(qd, -1, 1, -2);
    const waiting = [os.pop(filtered), os.pop(filtered), os.pop(filtered)];
    expect(os.waitAll(waiting, 1000).map(text)).toEqual([-EINVAL, "1", -EINVAL]);
    expect(os.wait(os.push(filtered, os.sga.from("-3"), PushFlag.FREE), 1000).result).toBe(-EINVAL);
    expect(warnings).toEqual([
      [
        expect.stringMatching(/filter\(\) failed: .*(predicate broke|promise)/),
        { type: "DemiWarning", code: "DEMI_APPLICATION_FUNCTION" },
      ],
    ]);
    close(filtered, qd);
  });

  test("a predicate that frees the sga, or closes the queue, does no harm", () => {
    const qd = os.queue();
    const freeing = os.filter(qd, (sga) => {
      os.free(sga);
      return true;
    });
    push(qd, 1, 2);
    expect(pops(freeing, 2)).toEqual([-EINVAL, -EINVAL]);
    const closing: QueueDescriptor = os.filter(qd, () => {
      os.close(closing);
      return true;
    });
    push(qd, 3, 4);
    const waiting = [os.pop(closing), os.pop(closing)];
    expect(os.waitAll(waiting, 1000).map(text)).toEqual([-ECANCELED, -ECANCELED]);
    close(freeing, qd);
  });

  test("limits: each pop has its own, whatever the elements before it were", () => {
    const qd = os.queue();
    const short = os.filter(qd, (sga) => os.sga.length(sga) !== 3);
    const waiting = [os.pop(short, 2), os.pop(short), os.pop(short, 4), os.pop(short, 1)];
    push(qd, "12345", "123", "1");
    expect(text(os.wait(waiting[0], 1000))).toBe(-EMSGSIZE);
    expect(os.waitAll(waiting.slice(1, 3), 1000).map(text)).toEqual(["12345", "1"]);
    push(qd, "7");
    expect(text(os.wait(waiting[3], 1000))).toBe("7");
    expect(code(() => os.pop(short, -1))).toBe("EINVAL");
    close(short, qd);
  });
});

describe("map", () => {
  test("applies its function to what pops, in place or with another sga; pushes pass as they are", () => {
    const qd = os.queue();
    const twice = os.map(qd, (sga) => {
      const copy = os.sga.from(`${number(sga) * 2}`);
      os.free(sga);
      return copy;
    });
    const marked = os.map(twice, (sga) => {
      os.sga.bytes(sga)[0] = 0x39;
      return sga;
    });
    push(qd, 1, 22);
    push(marked, 333);
    expect(pops(marked, 3)).toEqual(["9", "94", "966"]);
    push(marked, 5);
    expect(pop(qd)).toBe("5");
    close(marked, twice, qd);
  });

  test("the result is the new length", () => {
    const qd = os.queue();
    const shorter = os.map(qd, (sga) => {
      os.sga.trim(sga, 0, 2);
      return sga;
    });
    push(qd, "abcdef");
    expect(pop(shorter)).toBe("ab");
    close(shorter, qd);
  });

  test.each([
    [
      "throws",
      (): Sga => {
        throw new Error("fn broke");
      },
    ],
    ["gives nothing", (): Sga => undefined as unknown as Sga],
    ["gives a promise", (sga: Sga): Sga => Promise.resolve(sga) as unknown as Sga],
    ["gives what is no sga", (): Sga => 12345 as Sga],
    [
      "gives an sga it freed",
      (sga: Sga): Sga => {
        os.free(sga);
        return sga;
      },
    ],
  ])("a function that %s ends the pop with EINVAL, without a leak", (_what, fn) => {
    const qd = os.queue();
    const mapped = os.map(qd, fn);
    push(qd, 1, 2);
    expect(pops(mapped, 2)).toEqual([-EINVAL, -EINVAL]);
    close(mapped, qd);
  });
});
