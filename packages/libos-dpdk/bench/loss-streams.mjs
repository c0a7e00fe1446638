/** Byte streams of the loss benchmark, alike on a libOS and on the kernel. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { openLibOS } from "@demikernel/core";

/** Bytes of one push. */
const PIECE = 64 << 10;

/** A host to connect from and to listen on: a libOS with these options, or the kernel where there are none. */
export async function openHost(options) {
  return options === undefined ? new KernelHost() : new LibosHost(await openLibOS(options));
}

class LibosStream {
  constructor(os, qd) {
    Object.assign(this, { os, qd });
  }

  async send(data) {
    for (let at = 0; at < data.length; at += PIECE) {
      await this.os.async.push(this.qd, this.os.sga.from(data.subarray(at, at + PIECE)), { free: true });
    }
  }

  /** The number of bytes that have arrived; 0 at the end. */
  async receive() {
    const sga = await this.os.async.pop(this.qd);
    if (sga === 0) return 0;
    const length = this.os.sga.length(sga);
    this.os.free(sga);
    return length;
  }

  /** All that has arrived, as text. */
  async text() {
    const sga = await this.os.async.pop(this.qd);
    const text = this.os.sga.copy(sga).toString();
    this.os.free(sga);
    return text;
  }

  close() {
    this.os.close(this.qd);
  }
}

class LibosHost {
  constructor(os) {
    this.os = os;
  }

  async connect(host, port) {
    const qd = this.os.socket("tcp");
    await this.os.async.connect(qd, { host, port });
    return new LibosStream(this.os, qd);
  }

  listen(host, port, serve) {
    const qd = this.os.socket("tcp");
    this.os.bind(qd, { host, port });
    this.os.listen(qd);
    void (async () => {
      for await (const accepted of this.os.async.connections(qd)) {
        const stream = new LibosStream(this.os, accepted);
        serve(stream).catch(() => stream.close());
      }
    })();
  }

  /** Segments sent again. */
  get retransmissions() {
    return this.os.stats()["dpdk.retransmissions"];
  }

  close() {
    this.os.destroy();
  }
}

class KernelStream {
  constructor(socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
  }

  async send(data) {
    for (let at = 0; at < data.length; at += PIECE) {
      if (!this.socket.write(data.subarray(at, at + PIECE))) await once(this.socket, "drain");
    }
  }

  async receive() {
    return (await this.#read())?.length ?? 0;
  }

  async text() {
    return String((await this.#read()) ?? "");
  }

  async #read() {
    for (;;) {
      const data = this.socket.read();
      if (data !== null || this.socket.readableEnded || this.socket.destroyed) return data;
      await new Promise((resolve) => {
        const woken = () => {
          for (const name of ["readable", "end", "close"]) this.socket.off(name, woken);
          resolve();
        };
        for (const name of ["readable", "end", "close"]) this.socket.on(name, woken);
      });
    }
  }

  close() {
    this.socket.destroy();
  }
}

class KernelHost {
  async connect(host, port) {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    return new KernelStream(socket);
  }

  async listen(host, port, serve) {
    const server = createServer({ noDelay: true }, (socket) => {
      const stream = new KernelStream(socket);
      serve(stream).catch(() => stream.close());
    });
    server.listen(port, host);
    await once(server, "listening");
  }

  close() {}
}
