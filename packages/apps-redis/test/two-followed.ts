/** The same commands of several clients for our server and for redis-server, and what both tell who follows. */
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../src/config/config.js";
import { Followed, type Told } from "./followed.js";
import type { RedisServer } from "./redis-server.js";
import { RedisStream } from "./redis-stream.js";
import type { RespClient } from "./resp-client.js";

/** Milliseconds that may lie between the two servers doing the same. */
const LAG = 10_000;
/** Milliseconds for redis-server to see that a client waits. */
const PATIENCE = 10_000;

export interface Sent {
  client: number;
  words: string[];
}

export class TwoFollowed {
  readonly ours: Followed;
  private readonly theirs = new Map<number, RespClient>();
  /** Replies that redis-server owes to who waits. */
  private readonly owed = new Map<number, Promise<unknown>>();
  private marks = 0;
  /** Since the last comparison, for what is told of a difference. */
  private sent: Sent[] = [];

  private constructor(
    private readonly redis: RedisServer,
    private readonly stream: RedisStream,
    configure: (config: Config) => void,
  ) {
    this.ours = new Followed(configure);
  }

  static async open(redis: RedisServer, configure: (config: Config) => void): Promise<TwoFollowed> {
    return new TwoFollowed(redis, await RedisStream.open(redis.address.path), configure);
  }

  /** An empty dataset, and nobody who waits; what led to it is not compared. */
  async begin(): Promise<void> {
    for (const client of [...this.owed.keys()]) await this.unblock(client);
    const clean = [["DISCARD"], ["UNWATCH"], ["SELECT", "0"]];
    for (const client of this.theirs.keys()) await this.send(clean.map((words) => ({ client, words })));
    await this.send([{ client: 1, words: ["FLUSHALL"] }]);
    await this.expectSame();
  }

  isBlocked(client: number): boolean {
    return this.ours.client(client).blocked !== undefined;
  }

  /** Ends the waiting of a client as if its time were over. */
  async unblock(client: number): Promise<void> {
    if (!this.owed.has(client)) return;
    this.ours.server.blocking.expire(this.ours.client(client));
    const [id] = this.ids.get(client) as [number];
    await this.redis.call([["CLIENT", "UNBLOCK", id]]);
    await this.owed.get(client);
    this.owed.delete(client);
  }
  private readonly ids = new Map<number, [number]>();

  /** One after the other, to both. */
  async send(all: readonly Sent[]): Promise<void> {
    for (let at = 0; at < all.length; ) {
      const { client } = all[at];
      // What one client sends in one go.
      const some: string[][] = [];
      for (; at < all.length && all[at].client === client && !this.isBlocked(client); at++) {
        const words = all[at].words.map((word) => this.ours.filled(word));
        this.sent.push({ client, words });
        this.ours.send(client, words);
        some.push(words);
      }
      // What it would have sent while it waits.
      while (at < all.length && all[at].client === client) at++;
      const theirs = await this.clientOf(client);
      const replies = theirs.call(some);
      replies.catch(() => {});
      if (this.isBlocked(client)) {
        this.owed.set(client, replies);
        await this.settle();
      } else {
        await replies;
      }
      for (const [waiting, reply] of this.owed) {
        if (this.isBlocked(waiting)) continue;
        await reply;
        this.owed.delete(waiting);
      }
    }
  }

  /** What both have told since the last time, which is the same. */
  async expectSame(): Promise<Told[]> {
    const mark = `mark ${this.marks++}`;
    await this.redis.call([["PUBLISH", "marks", mark]]);
    const theirs = await this.stream.until(mark);
    const ours = this.ours.recorder.told.splice(0);
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
      if (i < ours.length && i < theirs.length && isSame(ours[i], theirs[i])) continue;
      const sent = this.sent.slice(-40).map(({ client, words }) => `${client}> ${words.join(" ").slice(0, 200)}`);
      const around = (told: Told[]): string[] =>
        told.slice(Math.max(0, i - 2), i + 4).map(({ db, words }) => `${db}: ${JSON.stringify(words).slice(0, 300)}`);
      expect({ sent, told: around(ours) }).toEqual({ sent, told: around(theirs) });
      throw new Error("they differ");
    }
    this.sent = [];
    return ours;
  }

  close(): void {
    this.stream.close();
    for (const client of this.theirs.values()) client.close();
  }

  private async clientOf(number: number): Promise<RespClient> {
    let client = this.theirs.get(number);
    if (client === undefined) {
      client = await this.redis.connect();
      this.theirs.set(number, client);
      this.ids.set(number, (await client.call([["CLIENT", "ID"]])) as [number]);
    }
    return client;
  }

  /** Until as many wait at redis-server as here. */
  private async settle(): Promise<void> {
    for (const end = Date.now() + PATIENCE; ; await pause(1)) {
      const [info] = await this.redis.call([["INFO", "clients"]]);
      const [, count] = /blocked_clients:(\d+)/.exec(String(info)) as unknown as [string, string];
      if (Number(count) === this.ours.server.blocking.count) return;
      if (Date.now() > end) throw new Error(`${count} wait at redis-server, ${this.ours.server.blocking.count} here`);
    }
  }
}

function isSame(a: Told, b: Told): boolean {
  return a.db === b.db && a.words.length === b.words.length && a.words.every((word, i) => isSameWord(word, b.words[i]));
}

/** The times of both are not quite the same. */
function isSameWord(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [a, b].map((word) => /^(\d{13})(-\d+)?$/.exec(word));
  return one !== null && other !== null && Math.abs(Number(one[1]) - Number(other[1])) < LAG;
}
