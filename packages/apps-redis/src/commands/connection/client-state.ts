/** CLIENT's subcommands about the connection itself, and PAUSE. */
import type { Call } from "../../server/call.js";
import { setName } from "./session.js";

export function id({ client, reply }: Call): void {
  reply.integer(client.id);
}

export function getName({ client, reply }: Call): void {
  if (client.name === "") reply.null();
  else reply.text(client.name);
}

export function setNameOf(call: Call): void {
  if (setName(call, call.args.text(2))) call.reply.ok();
}

/** OFF and SKIP are answered by nothing: the server takes the answer back. */
export function replyMode(call: Call): void {
  const { args, client, reply } = call;
  if (args.is(2, "on")) {
    client.replies = "on";
    reply.ok();
  } else if (args.is(2, "off")) {
    silence(call, "off");
  } else if (args.is(2, "skip")) {
    if (client.replies !== "off") silence(call, "skip");
  } else {
    call.syntaxError();
  }
}

function silence({ client }: Call, mode: "off" | "skip"): void {
  // The one that says so may be skipped itself.
  if (mode === "skip") client.replies = client.replies === "skipping" ? "skip" : "skipping";
  else client.replies = "off";
}

export function noEvict(call: Call): void {
  const { args, client, reply } = call;
  if (!args.is(2, "on") && !args.is(2, "off")) return call.syntaxError();
  client.isKept = args.is(2, "on");
  reply.ok();
}

export function pause(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 4) return call.syntaxError();
  const onlyWrites = args.count === 4 && args.is(3, "write");
  if (args.count === 4 && !onlyWrites && !args.is(3, "all"))
    return reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
  const milliseconds = args.integer(2);
  if (milliseconds === undefined) return reply.error("ERR timeout is not an integer or out of range");
  if (milliseconds < 0n) return reply.error("ERR timeout is negative");
  server.pause.begin("client", Number(milliseconds), onlyWrites);
  reply.ok();
}

export function unpause({ reply, server }: Call): void {
  server.pause.stop("client");
  reply.ok();
}
