/** What a user of this backend may run into, by name. Those of core (arena, tokens, queues) come from core's options. */
export function limits(): Record<string, string | number> {
  return {
    "messages a peer may send before the first is popped": "16; option credits, up to 1024",
    "bytes of a posted receive": "4096; option slot, up to 65536",
    "receives of all connections together": "20480; option receives, up to 131072 and 1 GiB",
    "receives of a connection": "credits and 3 more",
    "bytes of a message": "1048576; option maxMessage, up to 16777216",
  };
}
