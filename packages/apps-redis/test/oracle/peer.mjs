/** A connection to a server: sends lists of commands as one, and gives the replies as they came. */
import { connect } from "node:net";
import { encode, readReply } from "../resp.mjs";

/** Milliseconds a list of commands may take. */
const PATIENCE = 60_000;
/** Bytes that the line of an error has at most. */
const LINE = 256;

export class Peer {
  /**
   * @param {string} name How messages call the server.
   * @param {string | number} where Its port, or the path of its unix socket.
   */
  constructor(name, where) {
    this.name = name;
    this.socket = /^\d+$/.test(where) ? connect({ port: Number(where), host: "127.0.0.1" }) : connect(where);
    this.socket.setNoDelay(true);
    this.socket.on("data", (data) => this.onData(data));
    const gone = (error) => this.fail(new Error(`${name}: ${error?.message ?? "it has closed the connection"}`));
    this.socket.on("error", gone);
    this.socket.on("close", () => gone());
    this.chunks = [];
    this.rounds = 0;
  }

  onData(data) {
    this.chunks.push(data);
    // The last reply is known, so nothing has to be taken apart to see that all have come.
    if (this.wanted === undefined) return;
    if (!this.endsWithWanted()) {
      if (this.endsWithLoading()) this.fail(new Error(`${this.name}: it is loading its dataset`));
      return;
    }
    const all = Buffer.concat(this.chunks);
    this.chunks = [];
    const { resolve, wanted } = this;
    this.wanted = undefined;
    clearTimeout(this.timer);
    resolve(all.subarray(0, all.length - wanted.length));
  }

  endsWithWanted() {
    let tail = this.chunks.at(-1);
    if (tail.length < this.wanted.length) {
      this.chunks = [Buffer.concat(this.chunks)];
      tail = this.chunks[0];
    }
    return tail.length >= this.wanted.length && tail.subarray(tail.length - this.wanted.length).equals(this.wanted);
  }

  /** A server that loads refuses the last command, too: what is waited for would never come. */
  endsWithLoading() {
    const tail = this.chunks.at(-1).subarray(-LINE).latin1Slice();
    return tail.startsWith("-LOADING ", tail.lastIndexOf("\n", tail.length - 2) + 1);
  }

  fail(error) {
    clearTimeout(this.timer);
    this.error = error;
    this.reject?.(error);
  }

  /**
   * Whatever is queued is executed in the end, so that the last reply comes at once.
   *
   * @param {string[][]} commands @returns {Promise<Buffer>} The replies, one behind the other, and that of the EXEC.
   */
  send(commands) {
    if (this.error) return Promise.reject(this.error);
    const mark = `end of round ${this.rounds++} of ${process.pid}`;
    this.wanted = Buffer.from(`$${mark.length}\r\n${mark}\r\n`, "latin1");
    const done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.timer = setTimeout(() => this.fail(new Error(`${this.name}: no reply for ${PATIENCE} ms`)), PATIENCE);
    this.socket.write(encode([...commands, ["EXEC"], ["PING", mark]]), "latin1");
    return done;
  }

  /** @returns {Promise<unknown>} The reply of one command, taken apart. */
  async ask(...command) {
    return split(await this.send([command]))[0].value;
  }

  end() {
    this.socket.removeAllListeners("close");
    this.socket.destroy();
  }
}

/** The replies, each as the latin1 text it came in, and as a value. */
export function split(replies) {
  const text = replies.latin1Slice();
  const all = [];
  for (let at = 0; at < text.length; ) {
    const reply = readReply(text, at);
    if (reply === undefined) throw new Error("a reply without an end");
    all.push({ text: text.slice(at, reply.end), value: reply.value });
    at = reply.end;
  }
  return all;
}
