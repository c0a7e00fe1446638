/** PUBLISH, SPUBLISH, and PUBSUB: who listens to what. */
import { globMatchesText } from "../../glob.js";
import type { Call } from "../../server/call.js";
import type { Client } from "../../server/client.js";

/** To oneself, the message comes before the reply. */
export function publish({ args, reply, server }: Call): void {
  server.propagation.message();
  reply.integer(server.pubsub.publish(args.text(1), args.text(2)));
}

export function spublish({ args, reply, server }: Call): void {
  server.propagation.message();
  reply.integer(server.pubsub.publishShard(args.text(1), args.text(2)));
}

type Channels = ReadonlyMap<string, ReadonlySet<Client>>;

function tellChannels(call: Call, all: Channels): void {
  const { args, reply } = call;
  if (args.count > 3) return wrongCount(call);
  let names = [...all.keys()];
  if (args.count === 3) names = names.filter((name) => globMatchesText(args.text(2), name));
  reply.texts(names);
}

function tellCounts({ args, reply }: Call, all: Channels): void {
  reply.array((args.count - 2) * 2);
  for (const name of args.texts(2)) {
    reply.text(name);
    reply.integer(all.get(name)?.size ?? 0);
  }
}

function wrongCount({ args, reply }: Call): void {
  reply.error(
    `ERR unknown subcommand or wrong number of arguments for '${args.text(1).slice(0, 128)}'. Try PUBSUB HELP.`,
  );
}

export const channels = (call: Call): void => tellChannels(call, call.server.pubsub.channel);
export const shardChannels = (call: Call): void => tellChannels(call, call.server.pubsub.shard);
export const numSub = (call: Call): void => tellCounts(call, call.server.pubsub.channel);
export const shardNumSub = (call: Call): void => tellCounts(call, call.server.pubsub.shard);

export function numPat({ reply, server }: Call): void {
  reply.integer(server.pubsub.pattern.size);
}
