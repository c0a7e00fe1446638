/**
 * The time of day by the clock that only goes forward, which has been read anyway: Date.now() is a call out of compiled code, and costs more than
 * all else that is done for the time of a command. {@link WallClock.follow} notices when somebody sets the clock.
 */

/** Date.now() leaves fractions out, so it is behind by up to one. */
const BEHIND = 1.5;
const AHEAD = 0.5;

export class WallClock {
  private offset = performance.timeOrigin;

  /** Milliseconds since 1970, whole ones, when performance.now() was `monotonic`. */
  at(monotonic: number): number {
    return Math.floor(monotonic + this.offset);
  }

  /** From time to time: the clock may have been set, or slowed down. */
  follow(now = Date.now(), monotonic = performance.now()): void {
    const difference = now - (monotonic + this.offset);
    if (difference < -BEHIND || difference > AHEAD) this.offset += difference;
  }
}
