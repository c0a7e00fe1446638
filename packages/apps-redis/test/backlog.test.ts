/** The backlog has the newest bytes, and tells from which offset on. */
import { Backlog } from "../src/replication/backlog.js";
import { Random } from "./random.js";

function read(backlog: Backlog, offset: number): Buffer {
  const all: Buffer[] = [];
  backlog.read(offset, (bytes) => all.push(Buffer.from(bytes)));
  return Buffer.concat(all);
}

test.each([1, 100, 65_536, 200_000])("of %d bytes: what it has is the end of what was written", (size) => {
  const random = new Random(`backlog of ${size}`);
  const begin = random.below(1000);
  let limit = size;
  const backlog = new Backlog(begin, limit);
  let all = Buffer.alloc(0);
  expect([backlog.length, backlog.first, backlog.has(begin + 1), backlog.has(begin)]).toEqual([
    0,
    begin + 1,
    true,
    false,
  ]);
  for (let i = 0; i < 60; i++) {
    const bytes = random.below(random.below(4) === 0 ? 150_000 : 300);
    const some = Buffer.from(Uint8Array.from({ length: bytes }, (_, n) => n * 7 + i));
    const before = random.below(10);
    backlog.append(Buffer.concat([Buffer.alloc(before), some]), before, some.length);
    all = Buffer.concat([all, some]);
    if (i === 40) {
      limit = Math.ceil(size / 2);
      backlog.resize(limit);
    }
    const end = begin + all.length + 1;
    const length = Math.min(limit, all.length);
    expect(backlog.end).toBe(end);
    // What was thrown away under a smaller limit is not there again.
    expect(backlog.length).toBe(length);
    const from = end - random.below(length + 1);
    expect(backlog.has(from)).toBe(true);
    expect(read(backlog, from).equals(all.subarray(from - begin - 1))).toBe(true);
    expect([backlog.has(backlog.first - 1), backlog.has(end + 1)]).toEqual([false, false]);
    expect(backlog.memory).toBeLessThanOrEqual(limit + 2 * 65_536);
  }
});

test("a larger size brings nothing back", () => {
  const backlog = new Backlog(0, 70_000);
  backlog.append(Buffer.alloc(300_000), 0, 300_000);
  backlog.resize(1_000_000);
  expect(backlog.length).toBeLessThanOrEqual(70_000 + 65_536);
  expect(read(backlog, backlog.first)).toHaveLength(backlog.length);
});
