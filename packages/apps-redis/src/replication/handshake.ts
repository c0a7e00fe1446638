/** What a replica says to its master first, and what it makes of the answers, up to where the file or the stream begins. */
import type { Config } from "../config/config.js";

/** Where it may go on, or that it wants all. */
export interface Place {
  id: string;
  /** Of the next byte. */
  offset: number;
}

/** How it goes on: `fail`: it does not, and why. */
export type Outcome =
  | { kind: "full"; id: string; offset: number }
  | { kind: "partial"; id: string | undefined }
  | { kind: "fail"; why: string };

interface Step {
  words: string[];
  /** Why it does not go on, or undefined. */
  check(answer: string): string | undefined;
}

const ID = /^[0-9a-zA-Z]{40}$/;
const anything = (): undefined => undefined;
const isError = (answer: string): boolean => answer.startsWith("-");

export class Handshake {
  private steps: Step[] = [];
  private isLast = false;

  /** `send` is called with commands; `place`: undefined for all. */
  constructor(
    private readonly config: Config,
    private readonly place: Place | undefined,
    private readonly takesOver: boolean,
    private readonly send: (words: readonly string[]) => void,
  ) {}

  begin(): void {
    this.say({
      words: ["PING"],
      // Who wants a password first is there.
      check: (answer) =>
        isError(answer) && !/^-(?:NOAUTH|NOPERM|ERR operation not permitted)/.test(answer) ? answer : undefined,
    });
  }

  private say(...steps: Step[]): void {
    this.steps.push(...steps);
    for (const { words } of steps) this.send(words);
  }

  /** The master has answered with a line; undefined: it is to answer more. */
  answered(line: string): Outcome | undefined {
    // A sign that it is there, while it prepares its answer.
    if (line === "") return undefined;
    if (this.isLast) return this.outcome(line);
    const step = this.steps.shift() as Step;
    const why = step.check(line);
    if (why !== undefined) return { kind: "fail", why };
    if (step.words[0] === "PING") this.introduce();
    else if (this.steps.length === 0) this.askForAll();
    return undefined;
  }

  private introduce(): void {
    const { masterauth, masteruser, port, replicaAnnounceIp, replicaAnnouncePort } = this.config;
    if (masterauth !== "") {
      const words = masteruser === "" ? ["AUTH", masterauth] : ["AUTH", masteruser, masterauth];
      this.say({ words, check: (answer) => (isError(answer) ? answer : undefined) });
    }
    const listening = String(replicaAnnouncePort || port);
    this.say({ words: ["REPLCONF", "listening-port", listening], check: anything });
    if (replicaAnnounceIp !== "") this.say({ words: ["REPLCONF", "ip-address", replicaAnnounceIp], check: anything });
    this.say({ words: ["REPLCONF", "capa", "eof", "capa", "psync2"], check: anything });
  }

  private askForAll(): void {
    this.isLast = true;
    const { place } = this;
    const words = place === undefined ? ["PSYNC", "?", "-1"] : ["PSYNC", place.id, String(place.offset)];
    this.send(this.takesOver ? [...words, "FAILOVER"] : words);
  }

  private outcome(line: string): Outcome {
    const [word, id, offset] = line.split(" ");
    if (word === "+FULLRESYNC") {
      const at = /^\d{1,16}$/.test(offset ?? "") ? Number(offset) : Number.NaN;
      if (id === undefined || !ID.test(id) || !Number.isSafeInteger(at)) return { kind: "fail", why: line };
      return { kind: "full", id, offset: at };
    }
    if (word === "+CONTINUE" && this.place !== undefined)
      return { kind: "partial", id: id !== undefined && ID.test(id) ? id : undefined };
    return { kind: "fail", why: line };
  }
}
