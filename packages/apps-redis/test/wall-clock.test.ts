/** The time of day that is made of a clock which only goes forward. */
import { WallClock } from "../src/server/wall-clock.js";

test("it is the time of day, in whole milliseconds", () => {
  const clock = new WallClock();
  for (let i = 0; i < 1000; i++) {
    const before = Date.now();
    const at = clock.at(performance.now());
    const after = Date.now();
    // The two clocks are read one after the other.
    expect(at).toBeGreaterThanOrEqual(before - 1);
    expect(at).toBeLessThanOrEqual(after + 1);
    expect(Number.isInteger(at)).toBe(true);
  }
});

test("it follows a clock that is set, and stays where it is for fractions", () => {
  const clock = new WallClock();
  const monotonic = 5000;
  const now = clock.at(monotonic);
  clock.follow(now - 1, monotonic);
  clock.follow(now, monotonic);
  expect(clock.at(monotonic)).toBe(now);
  clock.follow(now + 3_600_000, monotonic);
  expect(Math.abs(clock.at(monotonic) - (now + 3_600_000))).toBeLessThanOrEqual(1);
  clock.follow(now - 3_600_000, monotonic);
  expect(Math.abs(clock.at(monotonic) - (now - 3_600_000))).toBeLessThanOrEqual(1);
});
