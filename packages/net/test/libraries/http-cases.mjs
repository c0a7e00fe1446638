/** What an http server has to bear, over whatever sockets. */

import { Seen } from "./frameworks.mjs";
import { casesOfBodies } from "./http-bodies.mjs";
import { casesOfEnds } from "./http-ends.mjs";
import { casesOfRequests } from "./http-requests.mjs";

/** `use` with an application that listens; what is left of it is ended. */
export function serving(framework) {
  return async (via, use, options = {}) => {
    const seen = new Seen();
    const server = await framework(options, seen);
    const { port, close } = await via.listen(server);
    const agent = via.agent({ keepAlive: true, maxSockets: 1 });
    try {
      await use({ via, server, seen, port, close, agent, where: { host: "127.0.0.1", port, agent } });
    } finally {
      agent.destroy();
      server.closeAllConnections();
      await close();
    }
  };
}

export const casesOf = (framework) => {
  const run = serving(framework);
  return { ...casesOfRequests(run), ...casesOfBodies(run), ...casesOfEnds(run) };
};
