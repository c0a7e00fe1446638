/** What the client writes and compares: every byte counts, wherever a message lies and however long it is. */
import { Latencies } from "../src/latencies.js";
import { Payloads } from "../src/payload.js";

/** A message of `size` bytes at a place in its arena. */
function message(size: number, at: number, n: number) {
  const payloads = new Payloads(size);
  const arena = new Uint8Array(new ArrayBuffer(size + at + 16)).fill(0xff);
  const place = payloads.place(arena.subarray(at), 0);
  payloads.fill(place, n);
  return { payloads, arena, place };
}

describe("payloads", () => {
  // Around a number's 8 bytes, and around the size up to which numbers are used.
  const sizes = [1, 7, 8, 9, 60, 64, 65, 255, 256, 257, 1000];

  test.each(sizes)("of %i bytes: itself, and nothing beside it", (size) => {
    for (const at of [0, 3, 8, 16]) {
      const { payloads, arena, place } = message(size, at, 5);
      expect(place).toBe(at);
      expect(payloads.matches(place, size, 5)).toBe(true);
      // One byte of another message may well be the same.
      if (size > 1) expect(payloads.matches(place, size, 6)).toBe(false);
      expect([...arena.subarray(0, at), ...arena.subarray(at + size)].every((byte) => byte === 0xff)).toBe(true);
    }
  });

  test.each(sizes)("of %i bytes: one bit that is wrong is found, wherever it is", (size) => {
    for (const at of [0, 3, 8]) {
      const { payloads, arena, place } = message(size, at, 4092);
      for (let i = at; i < at + size; i++) {
        for (const bit of [1, 0x80]) {
          arena[i] = (arena[i] as number) ^ bit;
          expect(payloads.matches(place, size, 4092)).toBe(false);
          arena[i] = (arena[i] as number) ^ bit;
        }
      }
      expect(payloads.matches(place, size, 4092)).toBe(true);
    }
  });

  test("bytes that are no number, or zero, are equal to no message", () => {
    const { payloads, arena, place } = message(64, 0, 1);
    for (const byte of [0, 0xff]) {
      arena.fill(byte);
      expect(payloads.matches(place, 64, 1)).toBe(false);
    }
  });

  test("pieces: each from where it begins in its message, and none longer than the message", () => {
    const { payloads, place } = message(100, 0, 7);
    expect(payloads.matches(place, 40, 7)).toBe(true);
    expect(payloads.matches(place + 40, 60, 7, 40)).toBe(true);
    expect(payloads.matches(place + 40, 60, 7, 39)).toBe(false);
    expect(payloads.matches(place + 41, 60, 7, 41)).toBe(false);
  });

  test("the same content comes back after 4093 messages, and not before", () => {
    const { payloads, place } = message(64, 0, 0);
    for (let n = 1; n < 4093; n++) expect(payloads.matches(place, 64, n)).toBe(false);
    expect(payloads.matches(place, 64, 4093)).toBe(true);
  });
});

describe("latencies", () => {
  test("all are counted, those kept aside too", () => {
    const latencies = new Latencies();
    for (let i = 1; i <= 5000; i++) latencies.record(i / 1000);
    expect(latencies.histogram.count).toBe(5000);
    expect(latencies.histogram.min).toBe(1000);
    expect(latencies.histogram.percentile(50) / 2_500_000).toBeCloseTo(1, 2);
    expect(latencies.histogram.max / 5_000_000).toBeCloseTo(1, 2);
  });

  test("none is left of those before a reset", () => {
    const latencies = new Latencies();
    for (let i = 0; i < 3000; i++) latencies.record(1);
    latencies.reset();
    expect(latencies.histogram.count).toBe(0);
    latencies.record(0);
    expect(latencies.histogram.count).toBe(1);
    expect(latencies.histogram.min).toBe(1);
  });
});
