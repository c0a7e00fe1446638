// The far end of load.mjs, a separate process, in the guest on rxe2: takes what was announced, and checks it as it comes.
//
//   node load-peer.mjs '{"kind": "numbered", "connections": N, "messages": N, "options": {...}}'
//   node load-peer.mjs '{"kind": "hashed", "seed": N, "bytes": N, "options": {...}}'
//
// It sends its port, how far it is from time to time, and what it has got.
import { Opcode, openLibOS } from "@demikernel/core";
import { hashOf, sizes } from "./load-messages.mjs";
import { PEER, provider } from "./two-ports.mjs";

const order = JSON.parse(process.argv[2]);
const os = await openLibOS({
  libos: "rdma",
  provider,
  address: PEER,
  loop: "poll",
  from: import.meta.url,
  ...order.options,
});
const listener = os.socket("tcp");
os.bind(listener, { host: PEER, port: 0 });
os.listen(listener);
process.send({ port: os.getsockname(listener).port });

const take = order.kind === "numbered" ? numbered(order) : hashed(order);
let open = 0;
let told = performance.now();
os.accept(listener);
await os.run((event) => {
  if (event.opcode === Opcode.ACCEPT) {
    open += 1;
    os.accept(listener);
    // Several pops, so that a message never waits for JavaScript.
    for (let i = 0; i < 4; i++) os.pop(event.newQd);
  } else if (event.opcode === Opcode.POP) {
    if (event.result > 0) {
      take.message(event.qd, event.sga);
      os.free(event.sga);
      os.pop(event.qd);
    } else if (event.result === 0) {
      if (take.ended.has(event.qd)) return;
      take.ended.add(event.qd);
      os.close(event.qd);
      open -= 1;
      if (open === 0) os.stop();
    } else if (!take.ended.has(event.qd)) {
      throw new Error(`a pop ended with ${event.result}`);
    }
  }
  const now = performance.now();
  if (now - told > 10_000) {
    told = now;
    process.send({ progress: take.progress() });
  }
});
process.send({ got: take.got(), stats: os.stats() });
process.disconnect();
os.destroy();

/** Each of 8 bytes: its connection, and its number on it. */
function numbered({ connections, messages }) {
  const next = new Map();
  const named = new Set();
  let count = 0;
  return {
    ended: new Set(),
    message(qd, sga) {
      const view = os.sga.view(sga);
      const at = os.sga.offset(sga);
      const word = (n) => view[n] | (view[n + 1] << 8) | (view[n + 2] << 16) | (view[n + 3] << 24);
      let connection = next.get(qd);
      if (connection === undefined) {
        connection = { name: word(at), number: 0 };
        if (named.has(connection.name) || connection.name >= connections)
          throw new Error(`two connections are number ${connection.name}`);
        named.add(connection.name);
        next.set(qd, connection);
      }
      const wrong = os.sga.length(sga) !== 8 || word(at) !== connection.name || word(at + 4) !== connection.number;
      if (wrong || connection.number === messages)
        throw new Error(
          `message ${word(at + 4)} of connection ${word(at)}, ${os.sga.length(sga)} bytes, instead of ${connection.number} of ${connection.name}`,
        );
      connection.number += 1;
      count += 1;
    },
    progress: () => `${count} of ${connections * messages} messages`,
    got: () => count,
  };
}

/** Of the sizes that the seed determines; all their bytes make one hash. */
function hashed({ seed, bytes }) {
  const expected = sizes(seed, bytes, order.most);
  const hash = hashOf();
  let [count, total] = [0, 0];
  return {
    ended: new Set(),
    message(_qd, sga) {
      const { value: size } = expected.next();
      if (os.sga.length(sga) !== size)
        throw new Error(`message ${count} has ${os.sga.length(sga)} bytes instead of ${size}`);
      for (let i = 0; i < os.sga.segments(sga); i++) hash.update(os.sga.bytes(sga, i));
      count += 1;
      total += size;
    },
    progress: () => `${total >> 20} of ${bytes >> 20} MiB in ${count} messages`,
    got: () => ({ count, total, digest: hash.digest("hex") }),
  };
}
