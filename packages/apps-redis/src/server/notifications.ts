/** Keyspace notifications: events of keys, as messages of pub/sub (notify-keyspace-events). */

/** Who hears of a message: pub/sub. */
export type Publish = (channel: string, message: string) => void;

const ALL = "g$lshzxetd";

export class Notifications {
  isOn = false;
  private kinds = "";
  private keyspace = false;
  private keyevent = false;

  constructor(private readonly publish: Publish) {}

  /** The value of notify-keyspace-events; false: a letter means nothing. */
  set(letters: string): boolean {
    if (/[^AKEg$lshzxetdmn]/.test(letters)) return false;
    this.keyspace = letters.includes("K");
    this.keyevent = letters.includes("E");
    const kinds = letters.replace("A", ALL);
    this.kinds = [...`${ALL}mn`].filter((letter) => kinds.includes(letter)).join("");
    this.isOn = (this.keyspace || this.keyevent) && this.kinds !== "";
    return true;
  }

  /** The value as CONFIG GET tells it. */
  get letters(): string {
    const all = [...ALL].every((letter) => this.kinds.includes(letter));
    const kinds = all ? `A${this.kinds.replace(new RegExp(`[${ALL.replace("$", "\\$")}]`, "g"), "")}` : this.kinds;
    return `${kinds}${this.keyspace ? "K" : ""}${this.keyevent ? "E" : ""}`;
  }

  notify(kind: string, event: string, key: string, db: number): void {
    if (!this.isOn || !this.kinds.includes(kind)) return;
    if (this.keyspace) this.publish(`__keyspace@${db}__:${key}`, event);
    if (this.keyevent) this.publish(`__keyevent@${db}__:${event}`, key);
  }
}
