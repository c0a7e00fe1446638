/** What a case is given besides the module under test: places to listen and connect, a record, and an end for all of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Record, shape } from "./record.mjs";
import { SUBJECTS } from "./subject.mjs";

export class Context {
  record = new Record();
  shape = shape;
  #net;
  #opened = new Set();
  #closed = new WeakSet();
  #afterwards = [];

  constructor(net, subject) {
    this.#net = net;
    this.subject = subject;
    this.host = SUBJECTS[subject].host ?? "127.0.0.1";
  }

  /** Ends it after the case, whatever becomes of the case. */
  owns(socketOrServer) {
    if (this.#opened.has(socketOrServer)) return socketOrServer;
    this.#opened.add(socketOrServer);
    // Not a listener: how many there are is looked at.
    const { emit } = socketOrServer;
    socketOrServer.emit = (event, ...args) => {
      if (event === "close") this.#closed.add(socketOrServer);
      return emit.call(socketOrServer, event, ...args);
    };
    return socketOrServer;
  }

  after(done) {
    this.#afterwards.push(done);
  }

  /** A server that listens already. Its sockets are ended with the case. */
  async serve(onConnection, options = {}, where = {}) {
    const server = this.owns(this.#net.createServer(options));
    server.on("connection", (socket) => {
      this.owns(socket);
      onConnection?.(socket);
    });
    server.listen({ port: 0, host: this.host, ...where });
    await once(server, "listening");
    return server;
  }

  /** A client that has begun to connect to `server`. */
  connect(server, options = {}, listener = undefined) {
    return this.owns(this.#net.connect({ port: server.address().port, host: this.host, ...options }, listener));
  }

  /** Both ends of a connection, watched: `client` and `accepted`. */
  async pair({ server: serverOptions = {}, client: clientOptions = {}, onAccepted, watched = true } = {}) {
    let accept;
    const accepting = new Promise((resolve) => {
      accept = resolve;
    });
    const server = await this.serve((socket) => {
      if (watched) this.record.watch("accepted", socket);
      onAccepted?.(socket);
      accept(socket);
    }, serverOptions);
    const client = this.connect(server, clientOptions);
    if (watched) this.record.watch("client", client);
    const [accepted] = await Promise.all([accepting, this.event(client, "connect")]);
    return { server, client, accepted };
  }

  /** The arguments of the event, the next time: an "error" is not thrown, as once() of node:events would. */
  event(emitter, name) {
    return new Promise((resolve) => {
      emitter.once(name, (...args) => resolve(args));
    });
  }

  /** Once all of them, which are owned, have told that they are closed. */
  closed(...emitters) {
    return Promise.all(emitters.map((each) => (this.#closed.has(each) ? undefined : this.event(each, "close"))));
  }

  /** What `call` throws, shown. */
  thrown(call) {
    try {
      call();
    } catch (error) {
      return shape(error);
    }
    throw new Error("nothing was thrown");
  }

  /** A port of this host on which nobody listens. */
  async deadPort(host = this.host) {
    const server = this.#net.createServer();
    server.listen(0, host);
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
  }

  /** All that is ready to run has run: some turns of the loop. */
  async turns(count = 5) {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Until it holds: the case's limit ends what never does. */
  async until(holds) {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** A process of its own with the same subject: it ends with the case. */
  child(fixture, options = {}, ...args) {
    const path = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url));
    const child = spawn(process.execPath, ["--no-warnings", path, this.subject, ...args], {
      // A package around it that is a backend counts as installed.
      cwd: SUBJECTS[this.subject].libos?.from,
      stdio: ["ignore", "pipe", "inherit"],
      ...options,
    });
    this.after(() => child.kill("SIGKILL"));
    return child;
  }

  /** All bytes until the end. */
  async bytes(socket) {
    const parts = [];
    socket.on("data", (bytes) => parts.push(bytes));
    await this.event(socket, "end");
    return Buffer.concat(parts);
  }

  async end() {
    for (const done of this.#afterwards) await done();
    for (const each of this.#opened) {
      each.on("error", () => {});
      if (typeof each.destroy === "function") each.destroy();
      else each.close();
    }
  }
}
