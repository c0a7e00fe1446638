/** Peers in another process over the other end of a pair of devices: programs/wire-peer.mjs, spoken to by messages. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../programs/wire-peer.mjs", import.meta.url));

export class PeerProcess {
  #options;
  #child;
  #gone;
  #calls = new Map();
  #next = 1;
  /** Who is told of a connection or a datagram, by the peer's queue. */
  #events = new Map();

  /** `options` are those of the peer's openLibOS(). Starts at once; `ready` resolves when its libOS is open. */
  constructor(options) {
    this.#options = options;
    this.ready = this.#start();
    this.ready.catch(() => undefined);
  }

  get alive() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #start() {
    const child = fork(program, [JSON.stringify(this.#options)], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child = child;
    this.#gone = once(child, "exit").then(([code, signal]) => {
      const error = new Error(`the peer's process ended: ${signal ?? code}`);
      for (const { reject } of this.#calls.values()) reject(error);
      this.#calls.clear();
      return error;
    });
    child.on("message", (message) => this.#heard(message));
    const failure = await Promise.race([once(child, "message").then(() => undefined), this.#gone]);
    if (failure !== undefined) throw failure;
  }

  /** Ends the peer's process abruptly. */
  async stop() {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  #heard({ id, value, error, event, of, ...rest }) {
    if (event !== undefined) {
      this.#events.get(of)?.(rest);
      return;
    }
    const { resolve, reject } = this.#calls.get(id);
    this.#calls.delete(id);
    if (error === undefined) resolve(value);
    else reject(Object.assign(new Error(error.message), { code: error.code }));
  }

  call(call, ...args) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (!this.alive) return reject(new Error("the peer's process is not there"));
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ id, call, args });
    });
  }

  async connect(to) {
    return new WireSocket(this, await this.call("connect", { host: to.host, port: to.port }));
  }

  async listen(host, onConnection) {
    const { qd, ...address } = await this.call("listen", host);
    this.#events.set(qd, (accepted) => onConnection(new WireSocket(this, accepted)));
    return { ...address, close: () => this.#close(qd) };
  }

  async datagram(host, onMessage) {
    const { qd, ...address } = await this.call("datagram", host);
    this.#events.set(qd, ({ data, ...from }) => onMessage(Buffer.from(data), from));
    return {
      ...address,
      send: (data, port, to) =>
        void this.call("sendTo", qd, Buffer.from(data), { host: to, port }).catch(() => undefined),
      close: () => this.#close(qd),
    };
  }

  #close(qd) {
    this.#events.delete(qd);
    this.call("close", qd).catch(() => undefined);
  }
}

/** A connection of the peer's as a stream, half-open when one side has ended. */
class WireSocket extends Duplex {
  #peers;
  #qd;
  #open = true;

  constructor(peers, { qd, host, port }) {
    super();
    this.#peers = peers;
    this.#qd = qd;
    this.localAddress = host;
    this.localPort = port;
  }

  _read() {
    this.#peers.call("pop", this.#qd).then(
      (data) => this.push(data === null ? null : Buffer.from(data)),
      (error) => {
        if (this.#open) this.destroy(error);
        else this.push(null);
      },
    );
  }

  _write(chunk, _encoding, done) {
    this.#peers.call("push", this.#qd, chunk).then(() => done(), done);
  }

  _final(done) {
    this.#peers.call("shutdown", this.#qd).then(() => done(), done);
  }

  _destroy(error, done) {
    this.#end("close").then(
      () => done(error),
      () => done(error),
    );
  }

  resetAndDestroy() {
    this.#end("reset").catch(() => undefined);
    return this.destroy();
  }

  async #end(call) {
    if (!this.#open) return;
    this.#open = false;
    await this.#peers.call(call, this.#qd);
  }
}
