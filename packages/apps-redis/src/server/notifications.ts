/** Keyspace notifications: events of keys, as messages of pub/sub (notify-keyspace-events). */

/** Who hears of a message: pub/sub. */
export type Publish = (channel: string, message: string) => void;

/** In the order in which they are told. */
const ALL = "g$lshzxetd";

export class Notifications {
  isOn = false;
  private kinds = "";
  private keyspace = false;
  private keyevent = false;

  constructor(private readonly publish: Publish) {}

  /** `letters`: of notify-keyspace-events, as they were given. */
  set(letters: string): void {
    this.keyspace = letters.includes("K");
    this.keyevent = letters.includes("E");
    this.kinds = letters.replace("A", ALL);
    this.isOn = (this.keyspace || this.keyevent) && /[^KE]/.test(letters);
  }

  /** Whether anything of this kind is told. */
  has(kind: string): boolean {
    return this.isOn && this.kinds.includes(kind);
  }

  notify(kind: string, event: string, key: string, db: number): void {
    if (!this.has(kind)) return;
    if (this.keyspace) this.publish(`__keyspace@${db}__:${key}`, event);
    if (this.keyevent) this.publish(`__keyevent@${db}__:${event}`, key);
  }
}

/** The letters of notify-keyspace-events as CONFIG GET tells them; undefined: one of them means nothing. */
export function notificationLetters(letters: string): string | undefined {
  if (/[^AKEg$lshzxetdmn]/.test(letters)) return undefined;
  const given = letters.replace("A", ALL);
  const has = (letter: string): boolean => given.includes(letter);
  // Redis tells n only where not all others are told as A.
  const kinds = [...ALL].every(has) ? "A" : [...`${ALL}n`].filter(has).join("");
  return kinds + [..."KEm"].filter(has).join("");
}
