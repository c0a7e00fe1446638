/** SUBSCRIBE and its kin, for channels, patterns and shard channels. */
import type { Call } from "../../server/call.js";
import { type Kind, PubSub } from "../../server/pubsub.js";

const WORDS = {
  channel: ["subscribe", "unsubscribe"],
  pattern: ["psubscribe", "punsubscribe"],
  shard: ["ssubscribe", "sunsubscribe"],
} as const;

function tell({ client, server }: Call, word: string, name: string | undefined, kind: Kind): void {
  server.tell(client, (reply) => {
    reply.push(3);
    reply.text(word);
    reply.textOrNull(name);
    reply.integer(PubSub.count(client, kind));
  });
}

const subscribeTo =
  (kind: Kind) =>
  (call: Call): void => {
    for (const name of call.args.texts(1)) {
      call.server.pubsub.subscribe(call.client, kind, name);
      tell(call, WORDS[kind][0], name, kind);
    }
  };

const unsubscribeFrom =
  (kind: Kind) =>
  (call: Call): void => {
    const { args, client, server } = call;
    const names = args.count === 1 ? [...(client.subscriptions?.[kind] ?? [])] : args.texts(1);
    for (const name of names) {
      server.pubsub.unsubscribe(client, kind, name);
      tell(call, WORDS[kind][1], name, kind);
    }
    // Who has none is told so.
    if (names.length === 0) tell(call, WORDS[kind][1], undefined, kind);
  };

export const subscribe = subscribeTo("channel");
export const psubscribe = subscribeTo("pattern");
export const ssubscribe = subscribeTo("shard");
export const unsubscribe = unsubscribeFrom("channel");
export const punsubscribe = unsubscribeFrom("pattern");
export const sunsubscribe = unsubscribeFrom("shard");
