/** Agents of node:http and node:https whose connections go through the libOS: `http.get(url, { agent: new Agent() })`. */
import http from "node:http";
import https from "node:https";
import type { NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { connect } from "./connect.js";
import { connectTLS } from "./tls.js";

/** What an agent has beside what is public. */
interface Sessions {
  _getSession(key: string): Buffer | undefined;
  _cacheSession(key: string, session: Buffer): void;
  _evictSession(key: string): void;
}

export class Agent extends http.Agent {
  /** @internal */
  override createConnection(options: http.ClientRequestArgs): Duplex {
    return connect(options as NetConnectOpts);
  }
}

export class HttpsAgent extends https.Agent {
  /** @internal Sessions are resumed, as https.Agent does it. */
  override createConnection(given: https.RequestOptions): Duplex {
    const options = given as ConnectionOptions & { _agentKey?: string };
    const { _agentKey: key } = options;
    const sessions = this as unknown as Sessions;
    if (key === undefined) return connectTLS(options);
    const session = options.session ?? sessions._getSession(key);
    const socket = connectTLS({ ...options, session });
    socket.on("session", (made: Buffer) => sessions._cacheSession(key, made));
    // One that failed is not to be offered again.
    socket.once("close", (hadError: boolean) => {
      if (hadError) sessions._evictSession(key);
    });
    return socket;
  }
}
