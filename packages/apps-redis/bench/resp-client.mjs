/** A plain client of RESP2: commands in batches, of whose replies only the first byte and simple values matter. */
import { connect } from "node:net";

export class RespClient {
  #socket;
  #rest = "";
  #waiting = [];
  #failed;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(bytes.toString("latin1")));
    const fail = (error) => {
      this.#failed = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the server has closed the connection")));
  }

  static open(port) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port }, () => resolve(new RespClient(socket)));
      socket.once("error", reject);
    });
  }

  /** The reply's line: of an integer, a status or the head of a bulk string. Throws what the server answers as an error. */
  async ask(...words) {
    const [line] = await this.send(encode(words), 1);
    return line.slice(1);
  }

  /** Sends `bytes`, of `replies` commands whose replies are lines; resolves with these. */
  send(bytes, replies) {
    return new Promise((resolve, reject) => {
      if (this.#failed !== undefined) return reject(this.#failed);
      this.#waiting.push({ missing: replies, lines: [], resolve, reject });
      this.#socket.write(bytes);
    });
  }

  close() {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  #take(text) {
    const lines = (this.#rest + text).split("\r\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      const first = this.#waiting[0];
      if (line[0] === "-") return this.#socket.destroy(new Error(line.slice(1)));
      if (first === undefined) return this.#socket.destroy(new Error(`a reply nobody waits for: ${line}`));
      first.lines.push(line);
      if (--first.missing === 0) this.#waiting.shift().resolve(first.lines);
    }
  }
}

export function encode(words) {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}
