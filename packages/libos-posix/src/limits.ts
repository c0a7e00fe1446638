/** What a user of this backend may run into, by name. Those of core (arena, tokens, queues) come from core's options. */
export function limits(): Record<string, string | number> {
  return {
    "bytes a stream pop takes when it names no limit": 4096,
    "bytes a stream pop takes at most on io_uring": 65536,
    "pushes pending on one queue": 1024,
    "buffers gathered into one send": 64,
    "framed messages gathered into one send": 16,
    "received slots one connection keeps unpopped (io_uring)": "4, and one burst of what the kernel had ready",
    "bytes in a datagram": 65507,
    "milliseconds between tries to accept when descriptors ran out": 100,
  };
}
