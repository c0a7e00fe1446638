import { type CommandSpec, keys } from "../command.js";

export const genericCommands: readonly CommandSpec[] = [
  {
    name: "del",
    arity: -2,
    flags: "write",
    categories: "keyspace",
    group: "generic",
    since: "1.0.0",
    complexity: "O(N) for N keys; O(M) more for a value of M elements",
    summary: "Deletes keys.",
    keys: keys("RM delete", 1, -1),
    handler: (call) => {
      const { args, db, reply } = call;
      let deleted = 0;
      for (let i = 1; i < args.count; i++) {
        const ref = db.find(args.bytes, args.at(i), args.length(i));
        if (ref === 0) continue;
        db.delete(ref);
        call.changed(i, "g", "del");
        deleted++;
      }
      reply.integer(deleted);
    },
  },
];
