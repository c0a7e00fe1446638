import type { CommandSpec } from "../command.js";

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: "ping",
    arity: -1,
    flags: "fast",
    categories: "connection",
    group: "connection",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Answers PONG, or what it is given.",
    handler: ({ args, reply }) => {
      if (args.count === 1) reply.status("PONG");
      else if (args.count === 2) reply.bulk(args.bytes, args.at(1), args.length(1));
      else reply.error("ERR wrong number of arguments for 'ping' command");
    },
  },
];
