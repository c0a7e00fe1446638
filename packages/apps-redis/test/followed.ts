/** A server in the test's own process with several clients, and what its followers are told. */
import type { Config } from "../src/config/config.js";
import type { Heap } from "../src/memory/heap.js";
import type { Follower } from "../src/propagation/propagation.js";
import { Args } from "../src/protocol/args.js";
import { RequestParser } from "../src/protocol/request-parser.js";
import { Client } from "../src/server/client.js";
import { dispatch } from "../src/server/dispatch.js";
import { Direct } from "./direct.js";
import { type Reply, readReply } from "./resp.mjs";

/** A command that followers are told. */
export interface Told {
  db: number;
  words: string[];
}

/** Remembers what it is told. */
export class Recorder implements Follower {
  readonly told: Told[] = [];
  losses = 0;

  constructor(readonly takesMessages = true) {}

  command(db: number, bytes: Uint8Array, at: number, length: number): void {
    const text = Buffer.from(bytes.subarray(at, at + length)).toString("latin1");
    const reply = readReply(text, 0);
    if (reply === undefined || reply.end !== text.length) throw new Error(`no command: ${JSON.stringify(text)}`);
    this.told.push({ db, words: reply.value as string[] });
  }

  lost(): void {
    this.losses++;
  }
}

export class Followed {
  readonly direct: Direct;
  readonly recorder = new Recorder();
  private readonly clients = new Map<number, Client>();

  constructor(configure: (config: Config) => void = () => {}, heap?: Heap) {
    this.direct = new Direct(heap, configure);
    this.direct.server.propagation.follow(this.recorder);
  }

  get server(): Direct["server"] {
    return this.direct.server;
  }

  client(number: number): Client {
    let client = this.clients.get(number);
    if (client === undefined) {
      client = new Client(number, this.server.os, number as never, "a test", "here");
      client.user = this.server.acl.newcomer();
      // Who has waited is sent nothing: there is no connection.
      client.replies = "off";
      this.clients.set(number, client);
      this.server.clients.set(client.qd, client);
    }
    return client;
  }

  /** An empty dataset, and nobody who waits. */
  begin(): void {
    for (const client of this.clients.values()) {
      this.server.blocking.expire(client);
      client.db = 0;
    }
    this.send(1, ["FLUSHALL"]);
    while (this.server.keyspace.releaseSome(1000));
    this.recorder.told.length = 0;
  }

  /** `{key}` as a word is what DUMP gives for it. */
  filled(word: string): string {
    const [, key] = /^\{([^}]+)\}$/.exec(word) ?? [];
    if (key === undefined) return word;
    const reply = this.direct.call("DUMP", key);
    return reply.startsWith("$-1") ? "" : reply.slice(reply.indexOf("\n") + 1, -2);
  }

  /** Sends a command for a client, as bytes that have come from it; the reply. */
  send(number: number, words: readonly string[]): string {
    const client = this.client(number);
    const request = Buffer.from(
      `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`,
      "latin1",
    );
    parser.begin(request, 0);
    parser.next(request.length, 2 ** 30, true);
    return this.run(client, parser.take());
  }

  /** As send(), of arguments that lie somewhere. */
  run(client: Client, args: Args): string {
    const { server } = this;
    const { reply } = server.call;
    reply.reset();
    server.beginLaps();
    server.current = client;
    dispatch(server, client, args);
    server.current = undefined;
    return reply.bytes.subarray(0, reply.length).toString("latin1");
  }
}

const parser = new RequestParser();

/** As one stream: with a SELECT wherever the next command is of another database. */
export function selecting(told: readonly Told[]): string[][] {
  let selected = -1;
  return told.flatMap(({ db, words }) => {
    const isSame = db === selected;
    selected = db;
    return isSame ? [words] : [["SELECT", String(db)], words];
  });
}

/** Does on another server what was told. */
export function replay(told: readonly Told[], to: Direct): void {
  to.client.isObeyed = true;
  for (const words of selecting(told)) {
    const { reply } = to.server.call;
    reply.reset();
    dispatch(to.server, to.client, Args.of(...words));
    const text = reply.bytes.subarray(0, reply.length).toString("latin1");
    const value = readReply(text, 0)?.value;
    for (const one of words[0] === "EXEC" ? (value as Reply[]) : [value])
      if (one instanceof Error) throw new Error(`${JSON.stringify(words)} at another server: ${one.message}`);
  }
}
