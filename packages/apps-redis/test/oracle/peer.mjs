/** A connection to a server: sends lists of commands as one, and gives the replies as they came. */
import { connect } from "node:net";

/** Milliseconds a list of commands may take. */
const PATIENCE = 60_000;

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
    if (this.wanted === undefined || !this.endsWithWanted()) return;
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
    return take(await this.send([command]), 0).value;
  }

  end() {
    this.socket.removeAllListeners("close");
    this.socket.destroy();
  }
}

/** Commands as requests of RESP, latin1. */
export function encode(commands) {
  let text = "";
  for (const command of commands) {
    text += `*${command.length}\r\n`;
    for (const arg of command) text += `$${arg.length}\r\n${arg}\r\n`;
  }
  return text;
}

/** The replies, each as the latin1 text it came in. */
export function split(replies) {
  const all = [];
  for (let at = 0; at < replies.length; ) {
    const { end } = take(replies, at);
    all.push(replies.latin1Slice(at, end));
    at = end;
  }
  return all;
}

/** A reply of RESP2 or RESP3 at `at`: what it is, and where it ends. Errors are objects, attributes and pushes arrays. */
export function take(bytes, at) {
  const stop = bytes.indexOf("\r\n", at, "latin1");
  if (stop < 0) throw new Error("a reply without an end");
  const line = bytes.latin1Slice(at + 1, stop);
  const kind = String.fromCharCode(bytes[at]);
  const next = stop + 2;
  switch (kind) {
    case "+":
    case ":":
    case ",":
    case "(":
    case "#":
      return { value: line, end: next };
    case "-":
      return { value: { error: line }, end: next };
    case "_":
      return { value: null, end: next };
    case "$":
    case "=": {
      const length = Number(line);
      if (length < 0) return { value: null, end: next };
      return { value: bytes.latin1Slice(next, next + length), end: next + length + 2 };
    }
    case "*":
    case "~":
    case ">":
    case "%":
    case "|": {
      let count = Number(line);
      if (count < 0) return { value: null, end: next };
      if (kind === "%" || kind === "|") count *= 2;
      const value = [];
      let end = next;
      for (; count > 0; count--) {
        const one = take(bytes, end);
        value.push(one.value);
        end = one.end;
      }
      return { value, end };
    }
  }
  throw new Error(`no reply: ${JSON.stringify(bytes.latin1Slice(at, at + 40))}`);
}
