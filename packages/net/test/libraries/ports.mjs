/** Programs that listen on a port that is given: free ones, and when they answer. */
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { until } from "./support.mjs";

/** Below those that the system gives to clients. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

export async function freePort() {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** Until somebody listens there. */
export const answers = (port, what) =>
  until(
    () =>
      new Promise((resolve) => {
        const socket = createConnection(port, "127.0.0.1");
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      }),
    what,
  );
