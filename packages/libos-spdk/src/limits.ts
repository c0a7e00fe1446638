/** What a user of this backend may run into, by name. Those of core (arena, tokens, queues) come from core's options. */
export function limits(): Record<string, string | number> {
  return {
    "bytes in a record": 16 * 2 ** 20,
    "segments of a record's sga": 16,
    "logs on a device": 1024,
    "bytes in a log's name": 255,
    "pushes pending on one queue": 1024,
    "bytes of records that share a commit": 2 ** 20,
  };
}
