/** A server in the test's own process: commands go to it directly, and nothing is sent. */
import type { LibOS } from "@demikernel/core";
import { digestOfAll, digestOfValue } from "../src/commands/server/debug-digest.js";
import { Config } from "../src/config/config.js";
import type { Heap } from "../src/memory/heap.js";
import { Args } from "../src/protocol/args.js";
import { Client } from "../src/server/client.js";
import { dispatch } from "../src/server/dispatch.js";
import { Server } from "../src/server/server.js";

export class Direct {
  readonly server: Server;
  readonly client: Client;

  constructor(heap?: Heap, configure: (config: Config) => void = () => {}) {
    const config = new Config();
    config.change("save", "");
    configure(config);
    const os = { closed: false } as unknown as LibOS;
    this.server = new Server(os, config, heap);
    this.client = new Client(1, os, 1 as never, "a test", "here");
    this.client.user = this.server.acl.newcomer();
  }

  /** The reply as the bytes that it is. */
  call(...words: (string | number)[]): string {
    const { reply } = this.server.call;
    reply.reset();
    this.server.lap();
    this.server.current = this.client;
    dispatch(this.server, this.client, Args.of(...words.map(String)));
    return reply.bytes.subarray(0, reply.length).toString("latin1");
  }

  digest(key: string): string {
    const db = this.server.keyspace.dbs[0];
    const ref = db.findText(key);
    return ref === 0 ? "" : digestOfValue(db, ref);
  }

  get all(): string {
    return digestOfAll(this.server.keyspace.dbs);
  }

  /** Deletes all, now; bytes that are still in use. */
  empty(): number {
    this.call("FLUSHALL");
    while (this.server.keyspace.releaseSome(1000));
    return this.server.keyspace.heap.used;
  }
}
