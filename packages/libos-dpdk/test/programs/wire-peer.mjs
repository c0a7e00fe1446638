// The other process of a pair of devices: a second libOS, whose sockets the parent process makes and uses by messages.
// Started by targets/peer-process.mjs with the options of openLibOS() as JSON.
import { isIPv6 } from "node:net";
import { openLibOS } from "@demikernel/core";
import { reach } from "./reach.mjs";

const os = await openLibOS({ from: import.meta.url, ...JSON.parse(process.argv[2]) });
const PIECE = 256 << 10;
/** Bytes a connection is read ahead of the parent, which would wait for a message each 1,460 otherwise. */
const AHEAD = 256 << 10;
const family = (host) => (isIPv6(host) ? 6 : 4);
const address = ({ host, port }) => ({ host, port });
const readers = new Map();

/** Reads a connection into memory, as far ahead as that goes. */
class Reader {
  parts = [];
  bytes = 0;
  end;
  #wake = () => undefined;

  constructor(qd) {
    void this.#read(qd);
  }

  async #read(qd) {
    try {
      for (;;) {
        while (this.bytes >= AHEAD) await this.changed();
        const sga = await os.async.pop(qd);
        if (sga === 0) break;
        this.parts.push(os.sga.copy(sga));
        this.bytes += this.parts.at(-1).length;
        os.free(sga);
        this.#wake();
      }
      this.end = { data: null };
    } catch (error) {
      this.end = { error };
    }
    this.#wake();
  }

  /** Resolves at the next change, whoever makes it. */
  changed() {
    return new Promise((resolve) => {
      const others = this.#wake;
      this.#wake = () => {
        this.#wake = () => undefined;
        others();
        resolve();
      };
    });
  }

  /** All there is; null at the end of the stream. */
  async take() {
    while (this.bytes === 0 && this.end === undefined) await this.changed();
    if (this.bytes === 0) {
      if (this.end.error !== undefined) throw this.end.error;
      return null;
    }
    const data = Buffer.concat(this.parts.splice(0));
    this.bytes = 0;
    this.#wake();
    return data;
  }
}

/** What the parent may ask for, by name. What a call returns is its answer. */
const calls = {
  reach: (host) => reach(os, host),

  async connect(to) {
    const qd = os.socket("tcp", { family: family(to.host) });
    try {
      await os.async.connect(qd, to);
    } catch (error) {
      os.close(qd);
      throw error;
    }
    return { qd, ...address(os.getsockname(qd)) };
  },

  listen(host) {
    const qd = os.socket("tcp", { family: family(host) });
    os.bind(qd, { host, port: 0 });
    os.listen(qd);
    void (async () => {
      for await (const accepted of os.async.connections(qd)) {
        process.send({ event: "accepted", of: qd, qd: accepted, ...address(os.getsockname(accepted)) });
      }
    })();
    return { qd, ...address(os.getsockname(qd)) };
  },

  async push(qd, data) {
    for (let at = 0; at < data.length; at += PIECE) {
      await os.async.push(qd, os.sga.from(data.subarray(at, at + PIECE)), { free: true });
    }
  },

  /** The next bytes; null at the end of the stream. */
  pop(qd) {
    if (!readers.has(qd)) readers.set(qd, new Reader(qd));
    return readers.get(qd).take();
  },

  shutdown: (qd) => os.shutdown(qd),

  close(qd) {
    readers.delete(qd);
    os.close(qd);
  },

  reset(qd) {
    os.setsockopt(qd, "linger", 0);
    calls.close(qd);
  },

  datagram(host) {
    const qd = os.socket("udp", { family: family(host) });
    os.bind(qd, { host, port: 0 });
    void (async () => {
      try {
        for await (const sga of os.async.messages(qd)) {
          process.send({ event: "datagram", of: qd, data: os.sga.copy(sga), ...address(os.sga.address(sga)) });
        }
      } catch {
        // Closed.
      }
    })();
    return { qd, ...address(os.getsockname(qd)) };
  },

  async sendTo(qd, data, to) {
    await os.async.pushTo(qd, os.sga.from(data), to, { free: true });
  },
};

process.on("message", async ({ id, call, args }) => {
  try {
    process.send({ id, value: await calls[call](...args) });
  } catch (error) {
    process.send({ id, error: { message: error.message, code: error.code } });
  }
});
process.on("disconnect", () => process.exit(0));
// A pop that waits keeps the libOS going while nothing else does: pings are answered, acknowledgements sent.
void os.async.pop(os.queue());
process.send({ event: "ready" });
