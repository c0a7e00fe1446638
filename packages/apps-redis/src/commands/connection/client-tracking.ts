/** CLIENT TRACKING, TRACKINGINFO, CACHING, GETREDIR. */
import type { Call } from "../../server/call.js";
import type { Client } from "../../server/client.js";
import type { Tracking } from "../../server/tracking.js";

export function tracking(call: Call): void {
  const { args, client, reply, server } = call;
  const wanted = readOptions(call);
  if (wanted === undefined) return;
  if (args.is(2, "on")) {
    const why = refusal(client, wanted);
    if (why !== undefined) return reply.error(`ERR ${why}`);
    server.tracker.begin(client, wanted);
  } else if (args.is(2, "off")) {
    server.tracker.forget(client);
  } else {
    return call.syntaxError();
  }
  reply.ok();
}

function readOptions(call: Call): Omit<Tracking, "prefixBytes"> | undefined {
  const { args, reply, server } = call;
  const wanted: Omit<Tracking, "prefixBytes"> = {
    redirect: 0,
    isBroken: false,
    isBroadcast: false,
    isOptIn: false,
    isOptOut: false,
    noLoop: false,
    isCaching: false,
    prefixes: [],
  };
  const fail = (why: string): undefined => {
    reply.error(why);
    return undefined;
  };
  for (let i = 3; i < args.count; i++) {
    const hasMore = i + 1 < args.count;
    if (args.is(i, "redirect") && hasMore) {
      if (wanted.redirect !== 0) return fail("ERR A client can only redirect to a single other client");
      const id = args.integer(++i);
      if (id === undefined) return fail("ERR value is not an integer or out of range");
      wanted.redirect = Number(id);
      if (server.clientById(Number(id)) === undefined)
        return fail("ERR The client ID you want redirect to does not exist");
    } else if (args.is(i, "bcast")) {
      wanted.isBroadcast = true;
    } else if (args.is(i, "optin")) {
      wanted.isOptIn = true;
    } else if (args.is(i, "optout")) {
      wanted.isOptOut = true;
    } else if (args.is(i, "noloop")) {
      wanted.noLoop = true;
    } else if (args.is(i, "prefix") && hasMore) {
      wanted.prefixes.push(args.text(++i));
    } else {
      return fail("ERR syntax error");
    }
  }
  return wanted;
}

const SWITCH = "before disabling tracking for this client, and then re-enabling it with a different mode.";

function refusal({ tracking: had }: Client, wanted: Omit<Tracking, "prefixBytes">): string | undefined {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = wanted;
  if (!isBroadcast && prefixes.length !== 0) return "PREFIX option requires BCAST mode to be enabled";
  if (had !== undefined && had.isBroadcast !== isBroadcast) return `You can't switch BCAST mode on/off ${SWITCH}`;
  if (isBroadcast && (isOptIn || isOptOut)) return "OPTIN and OPTOUT are not compatible with BCAST";
  if (isOptIn && isOptOut) return "You can't specify both OPTIN mode and OPTOUT mode";
  if (had !== undefined && ((isOptIn && had.isOptOut) || (isOptOut && had.isOptIn)))
    return `You can't switch OPTIN/OPTOUT mode ${SWITCH}`;
  return isBroadcast ? collision(had?.prefixes ?? [], prefixes) : undefined;
}

/** A key is told of once: no prefix may begin with another. */
function collision(had: readonly string[], prefixes: readonly string[]): string | undefined {
  const overlaps = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a);
  const tail = "Prefixes for a single client must not overlap.";
  for (const [i, prefix] of prefixes.entries()) {
    const old = had.find((one) => overlaps(one, prefix));
    if (old !== undefined) return `Prefix '${prefix}' overlaps with an existing prefix '${old}'. ${tail}`;
    const other = prefixes.slice(i + 1).find((one) => overlaps(one, prefix));
    if (other !== undefined) return `Prefix '${prefix}' overlaps with another provided prefix '${other}'. ${tail}`;
  }
  return undefined;
}

export function trackingInfo({ client, reply }: Call): void {
  const { tracking: state } = client;
  const flags = [state === undefined ? "off" : "on"];
  if (state?.isBroadcast) flags.push("bcast");
  if (state?.isOptIn) flags.push("optin");
  if (state?.isOptIn && state.isCaching) flags.push("caching-yes");
  if (state?.isOptOut) flags.push("optout");
  if (state?.isOptOut && state.isCaching) flags.push("caching-no");
  if (state?.noLoop) flags.push("noloop");
  if (state?.isBroken) flags.push("broken_redirect");
  reply.map(3);
  reply.text("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text("redirect");
  reply.integer(state?.redirect ?? -1);
  reply.text("prefixes");
  reply.texts(state?.prefixes ?? []);
}

export function caching(call: Call): void {
  const { args, client, reply } = call;
  const { tracking: state } = client;
  if (state === undefined) {
    return reply.error(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
  }
  const isYes = args.is(2, "yes");
  if (!isYes && !args.is(2, "no")) return call.syntaxError();
  if (isYes && !state.isOptIn)
    return reply.error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  if (!isYes && !state.isOptOut)
    return reply.error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  state.isCaching = true;
  reply.ok();
}

export function getRedirection({ client, reply }: Call): void {
  reply.integer(client.tracking?.redirect ?? -1);
}
