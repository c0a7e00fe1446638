/** The same commands for our server and for redis-server, and their replies compared: as values, or as the bytes they are. */
import { isDeepStrictEqual } from "node:util";
import { DemiRedis } from "./demi-redis.js";
import type { Normal } from "./normal.js";
import { besideRedis, type RedisServer } from "./redis-server.js";
import type { Answer, Reply, Request, RespClient } from "./resp-client.js";

/** A command, and what of its reply is compared. */
export interface Compared {
  command: Request;
  normal?: Normal;
}

/** A client of each server. */
export class Pair {
  constructor(
    readonly ours: RespClient,
    readonly theirs: RespClient,
  ) {}

  /** Sends all to both, and expects the same from both. Returns redis-server's replies. */
  async compare(commands: readonly Compared[]): Promise<Reply[]> {
    const requests = commands.map(({ command }) => command);
    const theirs = await this.expectSame(requests, ({ value }, i) => {
      const { normal } = commands[i];
      return normal === undefined || value instanceof Error ? value : normal(value);
    });
    return theirs.map(({ value }) => value);
  }

  /** The same with the bytes of the replies, or what `normal` makes of them. */
  async compareBytes<R extends Request>(
    requests: readonly R[],
    normal: (bytes: string, request: R) => unknown = (bytes) => bytes,
  ): Promise<string[]> {
    const theirs = await this.expectSame(requests, ({ bytes }, i) => normal(bytes, requests[i]));
    return theirs.map(({ bytes }) => bytes);
  }

  close(): void {
    this.ours.close();
    this.theirs.close();
  }

  private async expectSame(
    requests: readonly Request[],
    compared: (answer: Answer, i: number) => unknown,
  ): Promise<Answer[]> {
    const [ours, theirs] = await Promise.all([this.ours.answers(requests), this.theirs.answers(requests)]);
    for (let i = 0; i < requests.length; i++) {
      const [ourReply, reply] = [compared(ours[i], i), compared(theirs[i], i)];
      // Thousands of expect() take seconds.
      if (isDeepStrictEqual(ourReply, reply)) continue;
      const told = { at: i, command: shown(requests[i]), before: before(requests, i) };
      expect({ ...told, reply: ourReply }).toEqual({ ...told, reply });
      throw new Error(`${JSON.stringify(told)}: the replies differ, though expect() sees none of it`);
    }
    return theirs;
  }
}

const shown = (request: Request): string[] => request.map((word) => String(word).slice(0, 300));

/** What went before on the same keys. */
function before(requests: readonly Request[], at: number): string[][] {
  const keys = new Set(requests[at].slice(1, 3).map(String));
  const related = requests.slice(0, at).filter((one) => one.slice(1).some((word) => keys.has(String(word))));
  return related.slice(-12).map(shown);
}

export interface Servers {
  ours: DemiRedis;
  theirs: RedisServer;
}

/** Both servers, and a client of each. */
export interface Both extends Pick<Pair, "compare" | "compareBytes"> {
  /** Sends all to our server. */
  ours(commands: readonly Request[]): Promise<Reply[]>;
  /** Sends all to redis-server. */
  redis(commands: readonly Request[]): Promise<Reply[]>;
  servers(): Servers;
  /** Other clients. */
  connect(): Promise<Pair>;
}

/** Declares tests for which both servers run. */
export function sideBySide(name: string, options: readonly string[], body: (both: Both) => void): void {
  besideRedis(name, options, (redis) => {
    let demi: DemiRedis | undefined;
    beforeAll(async () => {
      demi = await DemiRedis.start(...options);
    });
    const servers = (): Servers => ({ ours: demi as DemiRedis, theirs: redis() });
    const pair = (): Pair => new Pair(servers().ours.client, servers().theirs.client);
    body({
      ours: (commands) => servers().ours.call(commands),
      redis: (commands) => servers().theirs.call(commands),
      compare: (commands) => pair().compare(commands),
      compareBytes: (requests, normal) => pair().compareBytes(requests, normal),
      servers,
      connect: async () => new Pair(await servers().ours.connect(), await servers().theirs.connect()),
    });
    afterAll(() => demi?.stop());
  });
}
