/** TIME, LOLWUT, SHUTDOWN. */
import type { Call } from "../../server/call.js";
import { VERSION } from "../connection/session.js";

export function time({ reply }: Call): void {
  const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000);
  const seconds = Math.floor(microseconds / 1e6);
  reply.texts([String(seconds), String(microseconds - seconds * 1e6)]);
}

export function lolwut(call: Call): void {
  const { args, reply } = call;
  if (args.count > 2 && args.is(1, "version") && args.integer(2) === undefined)
    return reply.error("ERR value is not an integer or out of range");
  reply.verbatim("txt", `Redis ver. ${VERSION}\n`);
}

export function shutdown(call: Call): void {
  const { args, client, reply, server } = call;
  const given = new Set<string>();
  for (let i = 1; i < args.count; i++) {
    const word = args.text(i).toLowerCase();
    if (!["nosave", "save", "now", "force", "abort"].includes(word)) return call.syntaxError();
    given.add(word);
  }
  if ((given.has("save") && given.has("nosave")) || (given.has("abort") && given.size > 1)) return call.syntaxError();
  if (given.has("abort")) return server.shutdown.abort() ? reply.ok() : reply.error("ERR No shutdown in progress.");
  if (server.isBusy && !given.has("nosave")) return reply.error(server.scripting.current.busyError);
  const options = {
    save: given.has("save"),
    nosave: given.has("nosave"),
    now: given.has("now"),
    force: given.has("force"),
  };
  if (!server.shutdown.begin(options, client)) return reply.error("ERR Errors trying to SHUTDOWN. Check logs.");
  client.isLeaving = !server.shutdown.isWaiting;
}
