/** A client that tests send commands by, and what comes back. */
import type { ChildProcess } from "node:child_process";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** A reply as text of bytes; an error as the Error; a map as keys and values in turn. */
export type Reply = string | number | null | Error | Reply[];
export type Request = readonly (string | number)[];

export class RespClient {
  private constructor(private readonly socket: Socket) {}

  /** Connects to what this child serves, as soon as it does. */
  static async open(to: NetConnectOpts, child: ChildProcess): Promise<RespClient> {
    for (let tries = 0; ; tries++) {
      const socket = connect(to);
      const there = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (there) return new RespClient(socket);
      if (tries === 500 || child.exitCode !== null) throw new Error(`${child.spawnargs.join(" ")} does not answer`);
      await pause(20);
    }
  }

  /** Sends commands, of texts of bytes, in one go; their replies. */
  async call(commands: readonly Request[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    const reader = new ReplyReader();
    const done = new Promise<void>((resolve, reject) => {
      this.socket.on("data", (bytes) => {
        reader.add(bytes);
        for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
        if (replies.length === commands.length) resolve();
      });
      this.socket.once("close", () => reject(new Error("the server is gone")));
    });
    this.write(commands);
    await done;
    this.socket.removeAllListeners("data").removeAllListeners("close");
    return replies;
  }

  /** Tells each reply as it comes: of a client that does not wait for them, and only writes. */
  listen(told: (reply: Reply) => void): void {
    const reader = new ReplyReader();
    this.socket.on("data", (bytes) => {
      reader.add(bytes);
      for (let reply = reader.next(); reply !== undefined; reply = reader.next()) told(reply);
    });
  }

  write(commands: readonly Request[]): void {
    const parts: string[] = [];
    for (const command of commands) {
      parts.push(`*${command.length}\r\n`);
      for (const word of command) parts.push(`$${String(word).length}\r\n${word}\r\n`);
    }
    this.socket.write(Buffer.from(parts.join(""), "latin1"));
  }

  /** Ends the connection, and waits until the server has ended it, too. */
  async leave(): Promise<void> {
    const ended = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.resume();
    this.socket.end();
    await ended;
  }

  close(): void {
    this.socket.destroy();
  }
}

class ReplyReader {
  private parts: Buffer[] = [];
  private text = "";
  private at = 0;

  add(bytes: Buffer): void {
    this.parts.push(bytes);
  }

  /** The next whole reply, or undefined. */
  next(): Reply | undefined {
    if (this.parts.length !== 0) {
      this.text = this.text.slice(this.at) + Buffer.concat(this.parts).toString("latin1");
      this.at = 0;
      this.parts = [];
    }
    const start = this.at;
    const reply = this.read();
    if (reply === undefined) this.at = start;
    return reply;
  }

  private read(): Reply | undefined {
    const end = this.text.indexOf("\r\n", this.at);
    if (end < 0) return undefined;
    const line = this.text.slice(this.at + 1, end);
    const kind = this.text[this.at];
    this.at = end + 2;
    if (kind === "+") return line;
    if (kind === "-") return new Error(line);
    if (kind === ":") return Number(line);
    const length = Number(line);
    if (kind === "_" || length < 0) return null;
    if (kind === ",") return line;
    if (kind === "$") {
      if (this.text.length < this.at + length + 2) return undefined;
      this.at += length + 2;
      return this.text.slice(this.at - length - 2, this.at - 2);
    }
    const replies: Reply[] = [];
    for (let i = 0; i < (kind === "%" ? 2 * length : length); i++) {
      const reply = this.read();
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}
