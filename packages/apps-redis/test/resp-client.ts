/** A client that tests send commands by, and what comes back. */
import type { ChildProcess } from "node:child_process";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { encode, type Reply, ReplyReader, type Request } from "./resp.mjs";

export type { Reply, Request };

/** A reply, as the bytes it came in and as a value. */
export interface Answer {
  bytes: string;
  value: Reply;
}

/** Milliseconds for a server to begin, and for the replies to commands: less than a test may take, so that it fails with their names. */
const PATIENCE = 25_000;

/** Commands that were sent together, and what has come of them. */
interface Sent {
  commands: readonly Request[];
  answers: Answer[];
  resolve: (answers: Answer[]) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export class RespClient {
  private readonly reader = new ReplyReader();
  private readonly sent: Sent[] = [];
  private listener?: (reply: Reply) => void;
  /** Why nothing more is answered. */
  private broken?: Error;

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes) => this.onBytes(bytes));
    socket.on("error", () => {});
    socket.once("close", () => this.break(new Error("the server is gone")));
  }

  /** Connects to what this child serves, as soon as it does. */
  static async open(to: NetConnectOpts, child: ChildProcess): Promise<RespClient> {
    for (const end = Date.now() + PATIENCE; ; ) {
      const socket = connect(to);
      const there = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (there) return new RespClient(socket);
      if (Date.now() > end || child.exitCode !== null) throw new Error(`${child.spawnargs.join(" ")} does not answer`);
      await pause(20);
    }
  }

  /** Sends commands in one go; their answers. Without all of them in time, an error that names the first that has none. */
  answers(commands: readonly Request[]): Promise<Answer[]> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    if (commands.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const answers: Answer[] = [];
      // What comes later would be taken for the replies to other commands.
      const timer = setTimeout(() => {
        this.break(new Error(`no reply to ${JSON.stringify(commands[answers.length]).slice(0, 1000)}`));
        this.socket.destroy();
      }, PATIENCE);
      this.sent.push({ commands, answers, resolve, reject, timer });
      this.write(commands);
    });
  }

  /** Sends commands in one go; their replies. */
  async call(commands: readonly Request[]): Promise<Reply[]> {
    return (await this.answers(commands)).map(({ value }) => value);
  }

  /** Sends one command; its reply as the bytes it comes in. */
  async send(...command: Request): Promise<string> {
    return (await this.answers([command]))[0].bytes;
  }

  /** Tells each reply as it comes: of a client that does not wait for them, and only writes. */
  listen(told: (reply: Reply) => void): void {
    this.listener = told;
  }

  /** Told when the connection has ended. */
  onGone(told: () => void): void {
    this.socket.once("close", told);
  }

  write(commands: readonly Request[]): void {
    this.socket.write(Buffer.from(encode(commands), "latin1"));
  }

  /** Ends the connection, and waits until the server has ended it, too. */
  async leave(): Promise<void> {
    const ended = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.end();
    await ended;
  }

  close(): void {
    this.socket.destroy();
  }

  private onBytes(bytes: Buffer): void {
    this.reader.add(bytes);
    for (let answer = this.reader.next(); answer !== undefined; answer = this.reader.next()) {
      if (this.listener !== undefined) {
        this.listener(answer.value);
        continue;
      }
      const [first] = this.sent;
      if (first === undefined) continue;
      first.answers.push(answer);
      if (first.answers.length !== first.commands.length) continue;
      this.sent.shift();
      clearTimeout(first.timer);
      first.resolve(first.answers);
    }
  }

  private break(error: Error): void {
    this.broken ??= error;
    for (const { timer, reject } of this.sent.splice(0)) {
      clearTimeout(timer);
      reject(this.broken);
    }
  }
}
