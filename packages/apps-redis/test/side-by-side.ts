/** The same commands for our server and for redis-server, and their replies compared. */
import { isDeepStrictEqual } from "node:util";
import { DemiRedis } from "./demi-redis.js";
import { besideRedis, type Reply } from "./redis-server.js";
import type { Request } from "./resp-client.js";

/** What of a reply must be the same, where not all of it is: its elements in any order, or how many there are. */
export type Normal = (reply: Reply) => Reply;

/** A command, and what of its reply is compared. */
export interface Compared {
  command: Request;
  normal?: Normal;
}

export interface Both {
  /** Sends all to both, and expects the same from both. Returns redis-server's replies. */
  compare(commands: readonly Compared[]): Promise<Reply[]>;
  /** Sends all to our server. */
  ours(commands: readonly Request[]): Promise<Reply[]>;
  /** Sends all to redis-server. */
  redis(commands: readonly Request[]): Promise<Reply[]>;
}

/** Declares tests for which both servers run. */
export function sideBySide(name: string, options: readonly string[], body: (both: Both) => void): void {
  besideRedis(name, [...options], (redis) => {
    let demi: DemiRedis;
    beforeAll(async () => {
      demi = await DemiRedis.start(...options);
    });
    afterAll(() => demi.stop());
    body({
      ours: (commands) => demi.call(commands),
      redis: (commands) => redis().call(commands),
      async compare(commands) {
        const requests = commands.map(({ command }) => command);
        const [ours, theirs] = await Promise.all([demi.call(requests), redis().call(requests)]);
        for (const [i, { command, normal }] of commands.entries()) {
          const shown = (reply: Reply) => plain(normal === undefined || reply instanceof Error ? reply : normal(reply));
          // Thousands of expect() take seconds.
          if (isDeepStrictEqual(shown(ours[i]), shown(theirs[i]))) continue;
          const told = { at: i, command: command.map((word) => String(word).slice(0, 80)) };
          expect({ ...told, reply: shown(ours[i]) }).toEqual({ ...told, reply: shown(theirs[i]) });
        }
        return theirs;
      },
    });
  });
}

/** An error by its words. */
function plain(reply: Reply): unknown {
  if (reply instanceof Error) return { error: reply.message };
  return Array.isArray(reply) ? reply.map(plain) : reply;
}

export const sorted: Normal = (reply) => (Array.isArray(reply) ? [...(reply as string[])].sort() : reply);

/** Of fields and values in turn: sorted by the fields. */
export const sortedPairs: Normal = (reply) => {
  if (!Array.isArray(reply)) return reply;
  const pairs: Reply[][] = [];
  for (let i = 0; i < reply.length; i += 2) pairs.push(reply.slice(i, i + 2));
  return pairs.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)).flat();
};

/** Only how many elements there are: they are random. */
export const counted: Normal = (reply) => (Array.isArray(reply) ? reply.length : typeof reply);
