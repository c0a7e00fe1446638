import { constants } from "node:os";
import { PushFlag, type QueueDescriptor } from "../../src/types.js";
import { byNumber, close, code, number, os, pending, pop, pops, push, text } from "./support.js";

const { ECANCELED, EBADF, EINVAL, EMSGSIZE } = constants.errno;

describe("sort", () => {
  test("pops in order among what is there; equal ones in the order of arrival", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, (a, b) => os.sga.length(a) - os.sga.length(b));
    push(qd, "cc", "a", "dddd", "bb", "e", "ff");
    expect(pops(sorted, 6)).toEqual(["a", "e", "cc", "bb", "ff", "dddd"]);
    close(sorted, qd);
  });

  test("what arrives between two pops takes part", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber);
    push(qd, 5, 3, 9);
    expect(pop(sorted)).toBe("3");
    push(sorted, 1, 7);
    expect(pops(sorted, 4)).toEqual(["1", "5", "7", "9"]);
    close(sorted, qd);
  });

  test("holds at most its capacity; the rest stays in the source", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber, { capacity: 3 });
    push(qd, 9, 8, 7, 6, 5, 4);
    expect(pop(sorted)).toBe("7");
    expect(pop(sorted)).toBe("6");
    expect(pops(qd, 2)).toEqual(["5", "4"]);
    expect(pops(sorted, 2)).toEqual(["8", "9"]);
    for (const capacity of [0, -1, 1.5, 65537, Number.NaN])
      expect(code(() => os.sort(qd, byNumber, { capacity }))).toBe("EINVAL");
    close(os.sort(qd, byNumber, { capacity: 65536 }), sorted, qd);
  });

  test("takes nothing while nobody pops, and close frees what it holds", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber);
    push(qd, 2, 1, 3);
    expect(pop(qd)).toBe("2");
    push(qd, 2);
    expect(pop(sorted)).toBe("1");
    push(qd, 8);
    expect(pop(qd)).toBe("8");
    close(sorted, qd);
  });

  test("pops that wait take what comes, smallest first within one turn", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber);
    const waiting = [os.pop(sorted), os.pop(sorted), os.pop(sorted)];
    expect(pending(waiting[0])).toBe(true);
    const pushes = [3, 1, 2].map((n) => os.push(qd, os.sga.from(`${n}`), PushFlag.FREE));
    expect(os.waitAll(waiting, 1000).map(text)).toEqual(["1", "2", "3"]);
    os.waitAll(pushes, 1000);
    close(sorted, qd);
  });

  test("when the source ends, what is held still pops, then every pop ends as the source did", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber);
    push(qd, 3, 1, 2);
    expect(pop(sorted)).toBe("1");
    close(qd);
    expect(pops(sorted, 4)).toEqual(["2", "3", -EBADF, -EBADF]);
    close(sorted);
  });

  test("a comparator that throws ends that pop with EINVAL and loses one element, not the order", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, (a, b) => {
      if (number(a) === 13 || number(b) === 13) throw new Error("unlucky");
      return byNumber(a, b);
    });
    push(qd, 5, 13, 3, 4);
    const waiting = [os.pop(sorted), os.pop(sorted), os.pop(sorted), os.pop(sorted)];
    const got = os.waitAll(waiting, 1000).map(text);
    expect(got).toEqual([-EINVAL, "3", "4", "5"]);
    close(sorted, qd);
  });

  test("a comparator that closes the queue, or frees an element, does no harm", () => {
    const qd = os.queue();
    const closing: QueueDescriptor = os.sort(qd, () => {
      os.close(closing);
      return 0;
    });
    push(qd, 1, 2, 3);
    expect(os.wait(os.pop(closing), 1000).result).toBe(-ECANCELED);
    const rest = os.sort(qd, (a) => {
      os.free(a);
      return 0;
    });
    push(qd, 4, 5);
    const got = text(os.wait(os.pop(rest), 1000));
    expect([-EINVAL, "4", "5"]).toContain(got);
    close(rest, qd);
  });

  test("a limit that is too small leaves the element", () => {
    const qd = os.queue();
    const sorted = os.sort(qd, byNumber);
    push(qd, 100, 20);
    expect([pop(sorted, 1), pop(sorted), pop(sorted, 3)]).toEqual([-EMSGSIZE, "20", "100"]);
    close(sorted, qd);
  });
});
