/** Loads a keyspace as fast as a server takes it: commands in batches, two of them on their way. */

import { encode, RespClient } from "./resp-client.mjs";

const BATCH = 64;
const DIGITS = 12;

/** "key:000000000042", 16 bytes. */
export const keyOf = (index) => `key:${String(index).padStart(DIGITS, "0")}`;

/** `command(index)`: its words. For every index from `from`, below `to`, in steps of `step`. Replies must be lines. */
export async function sendAll(port, { from = 0, to, step = 1, command }) {
  const clients = [await RespClient.open(port), await RespClient.open(port)];
  let next = from;
  const work = async (client) => {
    while (next < to) {
      let batch = "";
      let count = 0;
      for (; count < BATCH && next < to; count++, next += step) batch += encode(command(next));
      await client.send(batch, count);
    }
  };
  try {
    await Promise.all(clients.map(work));
  } finally {
    for (const client of clients) client.close();
  }
}
