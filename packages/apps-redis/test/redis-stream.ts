/** What redis-server tells its replicas: a connection that says it is one, takes the dataset and then each command. */
import { connect, type Socket } from "node:net";
import type { Told } from "./followed.js";
import { ReplyReader } from "./resp.mjs";

/** Milliseconds for what has been sent to come. */
const PATIENCE = 20_000;

export class RedisStream {
  /** Commands that it was told and that nobody has taken, without those that are about the connection. */
  private told: Told[] = [];
  private readonly reader = new ReplyReader();
  private db = 0;
  /** Of the dataset, before its length is known. */
  private head = "";
  private left = -1;
  private isOpen = false;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes) => this.onBytes(bytes));
    socket.on("error", () => {});
  }

  static async open(path: string): Promise<RedisStream> {
    const stream = new RedisStream(connect({ path }));
    stream.socket.write("SYNC\r\n");
    await stream.wait(() => stream.isOpen, "the dataset");
    return stream;
  }

  /** Commands up to before the message `mark`, which has been published. */
  async until(mark: string): Promise<Told[]> {
    const at = (): number => this.told.findIndex(({ words }) => words[0] === "PUBLISH" && words[2] === mark);
    await this.wait(() => at() >= 0, mark);
    const taken = this.told.splice(0, at() + 1);
    taken.pop();
    return taken;
  }

  close(): void {
    this.socket.destroy();
  }

  private check: () => void = () => {};

  private wait(isThere: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`redis-server does not tell ${what}`)), PATIENCE);
      this.check = () => {
        if (!isThere()) return;
        clearTimeout(timer);
        this.check = () => {};
        resolve();
      };
      this.check();
    });
  }

  private onBytes(bytes: Buffer): void {
    const rest = this.isOpen ? bytes : this.takeDataset(bytes);
    if (rest.length !== 0) {
      this.reader.add(rest);
      for (let reply = this.reader.next(); reply !== undefined; reply = this.reader.next())
        this.take(reply.value as string[]);
    }
    this.check();
  }

  private takeDataset(bytes: Buffer): Buffer {
    let from = 0;
    while (this.left < 0 && from < bytes.length) {
      const byte = String.fromCharCode(bytes[from++]);
      if (byte !== "\n") this.head += byte;
      else if (this.head !== "") this.left = Number(this.head.slice(1));
    }
    if (this.left < 0) return bytes.subarray(from);
    const some = Math.min(this.left, bytes.length - from);
    this.left -= some;
    this.isOpen = this.left === 0;
    return bytes.subarray(from + some);
  }

  private take(words: string[]): void {
    if (words[0] === "SELECT") this.db = Number(words[1]);
    // Of its own it says "ping" every ten seconds, and in lower case.
    else if (words[0].toUpperCase() !== "PING" && words[0] !== "REPLCONF") this.told.push({ db: this.db, words });
  }
}
