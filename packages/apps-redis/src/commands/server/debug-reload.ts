/** DEBUG RELOAD: all keys through the form that RDB has, and back. There are no files: it stays in memory. */
import type { Db } from "../../keyspace/db.js";
import type { Ref } from "../../memory/heap.js";
import { dumpPayload, loadPayload } from "../../rdb/payload.js";
import type { Server } from "../../server/server.js";

interface Saved {
  db: Db;
  key: string;
  payload: Buffer;
  expiry: number | bigint;
  clock: number;
}

export function reload(server: Server): void {
  const { keyspace } = server;
  // Keys that come back are not new.
  const { onNew } = keyspace;
  keyspace.onNew = undefined;
  const all: Saved[] = [];
  for (const db of keyspace.dbs) {
    db.dict.each((ref: Ref) => {
      const { bytes, length } = dumpPayload(db, ref);
      const payload = Buffer.from(bytes.subarray(0, length));
      all.push({ db, key: db.key(ref), payload, expiry: db.exactExpiryOf(ref), clock: db.clockOf(ref) });
    });
  }
  for (const db of keyspace.dbs) db.clear();
  for (const { db, key, payload, expiry, clock } of all) {
    // A file has no keys whose time is over.
    if (expiry !== -1 && expiry < keyspace.now()) continue;
    const loaded = loadPayload(payload, 0, payload.length, server);
    if (loaded === undefined) throw new Error("what DUMP gave is refused");
    const bytes = Buffer.from(key, "latin1");
    const ref = loaded.add(db, bytes, 0, bytes.length);
    db.setClock(expiry === -1 ? ref : db.setExpiry(ref, expiry), clock);
  }
  keyspace.onNew = onNew;
}
