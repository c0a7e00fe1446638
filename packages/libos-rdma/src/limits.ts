import { optionLimit } from "@demikernel/core/backend";
import { DEFAULT_MESSAGE, optionSchemas } from "./options.js";

/** What a user of this backend may run into, by name. Those of core (arena, tokens, queues) come from core's options. */
export function limits(): Record<string, string | number> {
  return {
    "messages a peer may send before the first is popped": optionLimit(optionSchemas, "credits"),
    "bytes of a posted receive": optionLimit(optionSchemas, "slot"),
    "receives of all connections together": `${optionLimit(optionSchemas, "receives")} and 1 GiB`,
    "receives of a connection": "credits and 3 more",
    "bytes of a message": optionLimit(optionSchemas, "maxMessage", DEFAULT_MESSAGE),
  };
}
