/** What a case sees, in order, as plain values that are the same over node:dgram and over ours: ports have names instead of numbers. */
import { once } from "node:events";

const LIMIT = 5000;

export class Trace {
  seen = [];
  #ports = new Map();
  #sockets = [];

  constructor(createSocket) {
    this.createSocket = createSocket;
  }

  log(...values) {
    this.seen.push(values.map((value) => this.plain(value)));
  }

  plain(value) {
    if (value instanceof Error) {
      const { name, message, code, errno, syscall, address, port } = value;
      return this.plain({ error: name, message, code, errno, syscall, address, port });
    }
    if (value instanceof Uint8Array)
      return { type: value.constructor.name, text: Buffer.from(value).toString().slice(0, 64), length: value.length };
    if (typeof value === "string") return this.#named(value);
    if (typeof value === "number") return this.#ports.get(value) ?? value;
    if (typeof value === "function") return `function ${value.name}`;
    if (value === undefined) return "undefined";
    if (Array.isArray(value)) return value.map((each) => this.plain(each));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.plain(each)]));
    return value;
  }

  #named(text) {
    for (const [port, name] of this.#ports) text = text.replaceAll(String(port), name);
    return text;
  }

  /** A socket that is closed at the end; what it emits is logged under its name. */
  socket(name, given = "udp4", listener) {
    const socket = this.createSocket(given, listener);
    this.#sockets.push(socket);
    for (const event of ["listening", "connect", "error", "close"])
      socket.on(event, (...args) => this.log(name, event, ...args));
    socket.on("message", (bytes, from) => this.log(name, "message", bytes, from));
    return socket;
  }

  /** One that is bound to any port of the loopback. */
  async bound(name, given = "udp4") {
    const socket = this.socket(name, given);
    const isSix = (given.type ?? given) === "udp6";
    socket.bind(0, isSix ? "::1" : "127.0.0.1");
    await this.until(socket, "listening");
    this.port(name, socket);
    return socket;
  }

  /** Names the port of a socket. */
  port(name, socket) {
    const { port } = socket.address();
    this.#ports.set(port, `<${name}>`);
    return port;
  }

  async until(emitter, event) {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT);
    try {
      return await once(emitter, event, { signal: limit.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  /** What a callback is called with, logged under this name. */
  called(name, start) {
    return new Promise((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`${name} was not called`)), LIMIT);
      start((...args) => {
        clearTimeout(timer);
        this.log(name, ...args);
        done(args);
      });
    });
  }

  /** The promise, or a failure when it takes too long. */
  async within(promise) {
    let timer;
    const late = new Promise((_, failed) => {
      timer = setTimeout(() => failed(new Error("it takes too long")), LIMIT);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  throws(name, call) {
    try {
      this.log(name, "returned", call());
    } catch (error) {
      this.log(name, "threw", error);
    }
  }

  /** Closes what is open. */
  async end() {
    this.seen = [...this.seen];
    for (const socket of this.#sockets) {
      socket.removeAllListeners();
      socket.on("error", () => {});
      try {
        socket.close();
      } catch {
        // It is closed.
      }
    }
  }
}
