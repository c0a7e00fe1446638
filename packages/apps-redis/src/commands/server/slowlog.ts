/** SLOWLOG. */
import type { Call } from "../../server/call.js";

const BY_DEFAULT = 10;

export function slowlogGet({ args, reply, server }: Call): void {
  if (args.count > 3) {
    return reply.error("ERR unknown subcommand or wrong number of arguments for 'get'. Try SLOWLOG HELP.");
  }
  let count = BY_DEFAULT;
  if (args.count === 3) {
    const given = args.integer(2);
    if (given === undefined || given < -1n) return reply.error("ERR count should be greater than or equal to -1");
    count = given === -1n ? Number.POSITIVE_INFINITY : Number(given);
  }
  const found = [...server.observer.slow.values()].reverse().slice(0, count);
  reply.array(found.length);
  for (const { id, time, microseconds, args: texts, address, name } of found) {
    reply.array(6);
    reply.integer(id);
    reply.integer(time);
    reply.integer(microseconds);
    reply.texts(texts);
    reply.text(address);
    reply.text(name);
  }
}

export function slowlogLength({ reply, server }: Call): void {
  reply.integer(server.observer.slow.size);
}

export function slowlogReset({ reply, server }: Call): void {
  server.observer.slow.clear();
  reply.ok();
}
