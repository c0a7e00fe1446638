/** Who commands of scripts come from: a client without a connection, which never waits (Redis: its lua_client). */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { Client } from "../server/client.js";

export function scriptClient(os: LibOS): Client {
  const client = new Client(0, os, -1 as QueueDescriptor, "lua", "lua");
  // As within EXEC: what would wait replies as if its time were over.
  client.transaction = { queued: [], bytes: 0, isAborted: false };
  return client;
}
