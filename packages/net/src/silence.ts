/** setTimeout() of a Socket: told when nothing has happened for so long, again and again only after something has. */
import { durationOf } from "./socket-options.js";

export class Silence {
  private timer: NodeJS.Timeout | undefined;
  /** What the timer is set to. */
  private duration = 0;
  private isWanted = false;

  constructor(private readonly tell: () => void) {}

  /** 0: never. Throws for what is no duration. */
  set(milliseconds: unknown): boolean {
    const duration = durationOf(milliseconds);
    this.isWanted = duration !== 0;
    if (!this.isWanted) return false;
    // An http server sets it before each request and takes it back with each: the timer stays the same one.
    if (duration === this.duration) this.timer?.refresh();
    else {
      clearTimeout(this.timer);
      this.timer = setTimeout(onTime, duration, this).unref();
      this.duration = duration;
    }
    return true;
  }

  /** Something happened: the time begins anew. */
  broken(): void {
    if (this.isWanted) this.timer?.refresh();
  }

  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.duration = 0;
    this.isWanted = false;
  }

  /** @internal */
  over(): void {
    if (this.isWanted) this.tell();
  }
}

function onTime(silence: Silence): void {
  silence.over();
}
