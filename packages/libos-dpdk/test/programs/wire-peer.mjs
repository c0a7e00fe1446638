// The other process of a pair of devices: a libOS of its own, whose sockets the parent process makes and uses by messages.
// Started by targets/wire-peers.mjs with the options of openLibOS() as JSON.
import { isIPv6 } from "node:net";
import { openLibOS } from "@demikernel/core";

const os = await openLibOS({ from: import.meta.url, ...JSON.parse(process.argv[2]) });
const PIECE = 256 << 10;
const family = (host) => (isIPv6(host) ? 6 : 4);
const address = ({ host, port }) => ({ host, port });
const listeners = new Set();

/** What the parent may ask for, by name. What a call returns is its answer. */
const calls = {
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
    listeners.add(qd);
    void (async () => {
      for await (const accepted of os.async.connections(qd)) {
        process.send({ event: "accepted", of: qd, qd: accepted, ...address(os.getsockname(accepted)) });
      }
    })();
    return { qd, ...address(os.getsockname(qd)) };
  },

  async push(qd, data) {
    for (let at = 0; at < data.length; at += PIECE) {
      await os.async.push(qd, os.from(data.subarray(at, at + PIECE)), 1);
    }
  },

  /** The next bytes; null at the end of the stream. */
  async pop(qd) {
    const sga = await os.async.pop(qd);
    if (sga === 0) return null;
    const data = os.copy(sga);
    os.free(sga);
    return data;
  },

  close(qd) {
    os.close(qd);
  },

  reset(qd) {
    os.setsockopt(qd, "linger", 0);
    os.close(qd);
  },

  datagram(host) {
    const qd = os.socket("udp", { family: family(host) });
    os.bind(qd, { host, port: 0 });
    void (async () => {
      try {
        for await (const sga of os.async.messages(qd)) {
          process.send({ event: "datagram", of: qd, data: os.copy(sga), ...address(os.address(sga)) });
        }
      } catch {
        // Closed.
      }
    })();
    return { qd, ...address(os.getsockname(qd)) };
  },

  async sendTo(qd, data, to) {
    await os.async.pushTo(qd, os.from(data), to, 1);
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
