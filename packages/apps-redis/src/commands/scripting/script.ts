/** SCRIPT: what scripts the server has, and the one that runs. */
import type { Call } from "../../server/call.js";
import { help } from "../help.js";

export function scriptFlush({ args, reply, server }: Call): void {
  if (args.count !== 2 && !(args.count === 3 && (args.is(2, "async") || args.is(2, "sync"))))
    return reply.error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
  server.scripting.flush();
  reply.ok();
}

export function scriptExists({ args, reply, server }: Call): void {
  const scripts = server.scripting.scripts();
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++)
    reply.integer(typeof scripts !== "string" && scripts.bySha.has(args.text(i)) ? 1 : 0);
}

export function scriptLoad({ args, reply, server }: Call): void {
  const scripts = server.scripting.scripts();
  if (typeof scripts === "string") return reply.error(`ERR ${scripts}`);
  const script = scripts.load(args, 2);
  if (typeof script === "string") reply.error(script);
  else reply.text(script.sha);
}

export function scriptKill({ reply, server }: Call): void {
  const why = server.scripting.current.kill(true);
  if (why === undefined) reply.ok();
  else reply.error(why);
}

/** There is no debugger: none is what can be chosen. */
export function scriptDebug({ args, reply }: Call): void {
  if (args.is(2, "no")) reply.ok();
  else if (args.is(2, "yes") || args.is(2, "sync")) reply.error("ERR there is no debugger of scripts here");
  else reply.error("ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

export const scriptHelp = help(
  "DEBUG NO",
  "    There is no debugger.",
  "EXISTS <sha1> [<sha1> ...]",
  "    Tells which scripts are there.",
  "FLUSH [ASYNC|SYNC]",
  "    Forgets all scripts.",
  "KILL",
  "    Ends the script that runs, if it has written nothing.",
  "LOAD <script>",
  "    Keeps a script, and does not run it.",
);
