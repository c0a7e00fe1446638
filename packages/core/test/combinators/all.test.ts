import { constants } from "node:os";
import type { DemiError } from "../../src/errors.js";
import { type Completion, Opcode, PushFlag, type QueueDescriptor, type QueueToken } from "../../src/types.js";
import { byNumber, close, code, number, os, pending, pop, pops, push, text } from "./support.js";

const { ECANCELED, EBADF, EINVAL, ENOMSG } = constants.errno;

describe("all of them", () => {
  const derived: [string, (qd: QueueDescriptor) => QueueDescriptor][] = [
    ["merge", (qd) => os.merge(qd, qd)],
    ["filter", (qd) => os.filter(qd, () => true)],
    ["map", (qd) => os.map(qd, (sga) => sga)],
    ["sort", (qd) => os.sort(qd, byNumber)],
  ];

  test.each(derived)(
    "%s: close ends pending tokens with ECANCELED, takes nothing and leaves the source open",
    (_name, make) => {
      const qd = os.queue({ capacity: 1 });
      const queue = make(qd);
      const waiting = [os.pop(queue), os.pop(queue), os.pop(queue)];
      for (const qt of waiting) expect(pending(qt)).toBe(true);
      close(queue);
      expect(os.waitAll(waiting, 1000).map(text)).toEqual([-ECANCELED, -ECANCELED, -ECANCELED]);
      push(qd, 1);
      const again = make(qd);
      const blocked = [
        os.push(again, os.sga.from("2"), PushFlag.FREE),
        os.push(again, os.sga.from("3"), PushFlag.FREE),
      ];
      expect(pending(blocked[0])).toBe(true);
      close(again);
      expect(os.waitAll(blocked, 1000).map(({ result }) => result)).toEqual([-ECANCELED, -ECANCELED]);
      expect(pop(qd)).toBe("1");
      expect(pop(queue)).toBe(-EBADF);
      expect(os.wait(os.push(queue, os.sga.from("freed all the same"), PushFlag.FREE), 1000).result).toBe(-EBADF);
      expect(code(() => os.close(queue))).toBe("EBADF");
      close(qd);
    },
  );

  test.each(derived)("%s: cancel takes nothing; drop leaves nothing behind", (name, make) => {
    const qd = os.queue();
    const queue = make(qd);
    const [first, second, third] = [os.pop(queue), os.pop(queue), os.pop(queue)];
    expect(pending(first)).toBe(true);
    expect(os.cancel(second)).toBe(true);
    expect(os.wait(second, 1000).result).toBe(-ECANCELED);
    os.drop(third);
    push(qd, 1, 2);
    expect(text(os.wait(first, 1000))).toBe("1");
    // A sort takes in what is there when it is asked for one.
    expect(pop(name === "sort" ? queue : qd)).toBe("2");
    close(queue, qd);
  });

  test.each(derived)("%s: the end of the source reaches pops that wait and later ones", (_name, make) => {
    const qd = os.queue();
    const queue = make(qd);
    const waiting = [os.pop(queue), os.pop(queue)];
    expect(pending(waiting[0])).toBe(true);
    close(qd);
    expect(os.waitAll(waiting, 1000).map(text)).toEqual([-ECANCELED, -ECANCELED]);
    expect([-ECANCELED, -EBADF]).toContain(pop(queue));
    expect([-ECANCELED, -EBADF]).toContain(pop(queue));
    close(queue);
  });

  test.each(derived)("%s: completions carry its own descriptor and opcode", (_name, make) => {
    const qd = os.queue();
    const queue = make(qd);
    push(qd, 1);
    const done = os.wait(os.pop(queue), 1000);
    expect(done).toMatchObject({ qd: queue, opcode: Opcode.POP, result: 1, newQd: 0 });
    os.free(done.sga);
    close(queue, qd);
  });

  test.each(derived)("%s: a push of nothing or of what is no sga is refused as anywhere", (_name, make) => {
    const qd = os.queue();
    const queue = os.filter(qd, () => true);
    expect(os.wait(os.push(queue, os.alloc(0), PushFlag.FREE), 1000).result).toBe(-ENOMSG);
    const stale = os.sga.from("x");
    os.free(stale);
    expect(os.wait(os.push(queue, stale), 1000).result).toBe(-EINVAL);
    close(queue, make(qd), qd);
  });

  test.each(derived)("%s: a quiet push passes without a completion", (name, make) => {
    const qd = os.queue();
    const queue = make(qd);
    os.push(queue, os.sga.from("quiet"), PushFlag.FREE | PushFlag.QUIET);
    expect(pop(qd)).toBe("quiet");
    if (name === "merge") expect(pop(qd)).toBe("quiet");
    let seen = 0;
    for (let i = 0; i < 5; i++) os.turn(() => seen++);
    expect(seen).toBe(0);
    close(queue, qd);
  });

  test.each(derived)(
    "%s: destroy with pops waiting and elements held rejects promises and throws nothing",
    async (_name, make) => {
      const qd = os.queue();
      const queue = make(qd);
      push(qd, 2, 1, 3);
      const sga = await os.async.pop(queue);
      os.free(sga);
      const promises = Array.from({ length: 8 }, () => os.async.pop(queue));
      const settled = Promise.allSettled(promises);
      os.destroy();
      for (const result of await settled) {
        if (result.status === "rejected") expect((result.reason as DemiError).code).toBe("ECANCELED");
      }
    },
  );

  test("closed queues, stale descriptors and missing functions are refused", () => {
    const [good, bad] = [os.queue(), os.queue()];
    close(bad);
    const gone = os.map(good, (sga) => sga);
    close(gone);
    for (const qd of [bad, gone, 0, -1, 1.5, 2 ** 31, Number.NaN, undefined, "1"] as QueueDescriptor[]) {
      for (const make of [
        () => os.merge(good, qd),
        () => os.merge(qd, good),
        () => os.filter(qd, () => true),
        () => os.map(qd, (sga) => sga),
        () => os.sort(qd, byNumber),
        () => os.qconnect(good, qd),
        () => os.qconnect(qd, good),
      ]) {
        expect(code(make)).toBe("EBADF");
      }
    }
    for (const make of [os.filter, os.map, os.sort]) expect(code(() => make.call(os, good, 5 as never))).toBe("EINVAL");
    close(good);
  });

  test("tokens used up: pops end with EAGAIN or throw it, and all recovers", () => {
    const qd = os.queue();
    const queue = os.sort(
      os.filter(os.merge(qd, qd), () => true),
      byNumber,
    );
    const tokens: QueueToken[] = [];
    expect(() => {
      for (;;) tokens.push(os.pop(queue));
    }).toThrow(expect.objectContaining({ code: "EAGAIN" }));
    expect(tokens.length).toBeLessThanOrEqual(1024);
    for (const qt of tokens) os.cancel(qt);
    let seen = 0;
    for (let i = 0; i < 10; i++) seen += os.turn(() => {});
    expect(seen).toBeGreaterThanOrEqual(tokens.length);
    push(qd, 3, 1, 2);
    expect(pops(queue, 3)).toEqual(["1", "2", "3"]);
    const { queues } = os.stats();
    expect(queues).toBe(4);
    // The two queues between have descriptors only the libOS knows: its end closes them.
    close(queue, qd);
    os.destroy();
  });

  test("nested: sort of a map of a filter of a merge, fed by a pipe", () => {
    const [source, a, b] = [os.queue(), os.queue(), os.queue()];
    const pipe = os.qconnect(source, a);
    const merged = os.merge(a, b);
    const odd = os.filter(merged, (sga) => number(sga) % 2 === 1);
    const squared = os.map(odd, (sga) => {
      const square = os.sga.from(`${number(sga) ** 2}`);
      os.free(sga);
      return square;
    });
    const sorted = os.sort(squared, byNumber);
    push(source, 9, 2, 7, 4);
    for (let i = 0; i < 10; i++) os.turn(() => {});
    push(b, 1, 6, 3, 8, 5);
    expect(pops(sorted, 5)).toEqual(["1", "9", "25", "49", "81"]);
    const waiting = os.pop(sorted);
    expect(pending(waiting)).toBe(true);
    push(source, 11);
    expect(text(os.wait(waiting, 1000))).toBe("121");
    close(sorted, squared, odd, merged, pipe, source, a, b);
  });
});

describe("random", () => {
  // mulberry32
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /**
   * Pops, pushes, cancels, drops and drains at random over a random nest. Each element is a number, counting up, so it shows when one
   * comes twice, is lost, or (without a sort, and with one way from each source) overtakes another of its source.
   */
  const first = process.env.DEMI_SEED === undefined ? Date.now() >>> 0 : Number(process.env.DEMI_SEED);
  const seeds = Array.from({ length: 16 }, (_, i) => (first + i * 7919) >>> 0);

  test.each(seeds)("operations in any order lose, repeat and leak nothing: DEMI_SEED=%i", (seed) => {
    const random = generator(seed);
    const below = (n: number) => Math.floor(random() * n);
    const sources = [os.queue({ capacity: 1 + below(40) }), os.queue({ capacity: 1 + below(40) })];
    const made: QueueDescriptor[] = [];
    const make = (qd: QueueDescriptor) => {
      made.push(qd);
      return qd;
    };
    let top = make(os.merge(sources[0], sources[1]));
    let ordered = true;
    for (let depth = below(4); depth > 0; depth--) {
      const kind = below(4);
      if (kind === 0) top = make(os.filter(top, (sga) => number(sga) % 3 !== 0));
      else if (kind === 1) top = make(os.map(top, (sga) => sga));
      else if (kind === 2) top = make(os.merge(top, make(os.map(sources[0], (sga) => sga))));
      else top = make(os.sort(top, byNumber, { capacity: 1 + below(20) }));
      if (kind > 1) ordered = false;
    }

    const outstanding = new Map<QueueToken, { value?: number; source: number }>();
    const sourceOf = new Map<number, number>();
    const popped: number[] = [];
    const handler = (event: Completion) => {
      const { qt, result, opcode } = event;
      const sga = event.opcode === Opcode.POP ? event.sga : 0;
      const operation = outstanding.get(qt);
      expect(operation).toBeDefined();
      outstanding.delete(qt);
      if (sga !== 0) {
        popped.push(number(sga));
        os.free(sga);
      } else if (opcode === Opcode.PUSH && result > 0) {
        sourceOf.set(operation?.value as number, operation?.source as number);
      } else {
        expect(result).toBe(-ECANCELED);
      }
    };
    let next = 0;
    let drops = 0;
    const startPop = () => outstanding.set(os.pop(top), { source: -1 });
    const startPush = () => {
      const source = below(2);
      const sga = os.sga.from(`${next}`);
      outstanding.set(os.push(sources[source], sga, PushFlag.FREE), { value: next++, source });
    };
    const any = () => [...outstanding.keys()][below(outstanding.size)];
    for (let step = 0; step < 2000; step++) {
      const choice = below(20);
      if (choice < 6 && outstanding.size < 60) startPop();
      else if (choice < 14 && outstanding.size < 60) startPush();
      else if (choice === 14 && outstanding.size > 0) os.cancel(any());
      else if (choice === 15 && outstanding.size > 0 && below(10) === 0) {
        // A dropped push may arrive or not; a dropped pop takes at most one element with it.
        const qt = any();
        if (outstanding.get(qt)?.source === -1) drops++;
        os.drop(qt);
        outstanding.delete(qt);
      } else os.turn(handler);
    }

    // Pops all there is: every push that went well is among it, except what the filter or a dropped pop took.
    for (let idle = 0; idle < 100; idle++) {
      const before = popped.length;
      while (outstanding.size < 120) startPop();
      os.turn(handler);
      if (popped.length > before) idle = 0;
    }
    expect(new Set(popped).size).toBe(popped.length);
    const got = new Set(popped);
    const lost = [...sourceOf.keys()].filter((value) => value % 3 !== 0 && !got.has(value));
    expect(lost.length).toBeLessThanOrEqual(drops);
    expect(popped.length).toBeGreaterThan(50);
    if (ordered) {
      for (const source of [0, 1]) {
        const own = popped.filter((value) => sourceOf.get(value) === source);
        expect(own).toEqual([...own].sort((x, y) => x - y));
      }
    }

    // From the top down, with operations under way.
    for (const qd of made.reverse()) os.close(qd);
    close(...sources);
    for (let i = 0; i < 5; i++) os.turn(handler);
    expect(outstanding.size).toBe(0);
  });
});
