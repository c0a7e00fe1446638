/** What of a reply must be the same on both servers, where not all of it is. */
import type { Reply } from "./resp-client.js";

export type Normal = (reply: Reply) => Reply;

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
