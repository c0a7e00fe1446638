/** The C program of test/interop/hostile.c as the other side: bytes it says, and what became of it. Runs in the guest, on rxe2. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { PEER, track } from "./two-ports.mjs";

const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** A handshake as docs/rdma-wire-format.md has it, with the byte of its length, whatever the fields say. */
export function handshake(fields = {}) {
  const {
    length = 16,
    magic = "Demi",
    version = 1,
    reserved = 0,
    credits = 16,
    buffer = 4096,
    most = 1 << 20,
  } = fields;
  const bytes = Buffer.alloc(17);
  bytes[0] = length;
  bytes.write(magic, 1, "latin1");
  bytes[5] = version;
  bytes[6] = reserved;
  bytes.writeUInt16LE(credits, 7);
  bytes.writeUInt32LE(buffer, 9);
  bytes.writeUInt32LE(most, 13);
  return hex(bytes);
}

/** A message: its header, and as many bytes of payload, all zero. */
export function message({ kind = 1, more = 0, credits = 0, message = 0, offset = 0, reserved = 0 }, payload = 0) {
  const bytes = Buffer.alloc(16);
  bytes[0] = kind;
  bytes[1] = more;
  bytes.writeUInt16LE(credits, 2);
  bytes.writeUInt32LE(message, 4);
  bytes.writeUInt32LE(offset, 8);
  bytes.writeUInt32LE(reserved, 12);
  return `${hex(bytes)}+${payload}`;
}

let lastPort = 19_000;

/** Listens on a new port; resolves once it can be connected to. */
export async function hostileServer(said, ...steps) {
  lastPort += 1;
  const peer = start("serve", PEER, lastPort, said, steps);
  await peer.says("listening");
  return { ...peer, address: { host: PEER, port: lastPort } };
}

/** Connects to `to`. */
export const hostileClient = (to, said, ...steps) => start("connect", to.host, to.port, said, steps);

/** The words for connections one after the other, each `[said, ...steps]`: one process, because starting them is what takes long. */
export const inTurn = (connections) => connections.flatMap((words, n) => (n === 0 ? words : ["next", ...words]));

function start(role, host, port, said, steps) {
  const child = spawn(process.env.HOSTILE_PEER, [role, host, String(port), said, ...steps], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const peer = track(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      text += part;
    });
  }
  return {
    ...peer,
    text: () => text,
    /** Waits until it has said so, so many times; meanwhile `turn` is called. */
    async says(what, turn = () => undefined, times = 1) {
      const said = () => text.split(what).length > times;
      while (!said()) {
        assert.ok(child.exitCode === null || text.length > 0, `the peer ended with ${child.exitCode}`);
        if (child.exitCode !== null) {
          // Its last words may be on their way.
          await sleep(200);
          assert.ok(said(), `the peer says "${text.trim()}" instead of "${what}"`);
        }
        turn();
        await sleep(5);
      }
    },
  };
}
