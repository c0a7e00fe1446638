/**
 * While a script runs for long the others are answered: its interpreter calls back, and what has come meanwhile is taken from the libOS and
 * served within the script. Of commands only those run that leave the dataset alone; all others are refused (Redis: processEventsWhileBlocked).
 */
import { type Completion, Opcode } from "@demikernel/core";
import { Reply } from "../protocol/reply.js";
import type { Client } from "../server/client.js";
import { Requests } from "../server/requests.js";
import type { Server } from "../server/server.js";

export class Busy {
  /** Their own: those of the server are within the request that runs the script. */
  private readonly requests: Requests;
  private readonly reply: Reply;

  constructor(private readonly server: Server) {
    this.requests = new Requests(server);
    this.reply = new Reply(server.call.reply.codes);
  }

  private readonly onCompletion = (event: Completion): void => {
    if (event.opcode === Opcode.POP) this.requests.onPop(event.qd, event.result, event.sga);
    else this.server.onCompletion(event);
  };

  /** Serves what is there. `caller`, whose script runs, waits: what it sends is kept. */
  serve(caller: Client): void {
    const { server } = this;
    if (server.os.turn === undefined) return;
    const { call, current, outer } = server;
    const { client, db, args, command, reply } = call;
    const wait = { db: caller.db, keys: [], serve: () => false, expire: () => {} };
    server.blocking.block(caller, wait, 0);
    server.outer = undefined;
    call.reply = this.reply;
    try {
      server.os.turn(this.onCompletion);
    } finally {
      server.blocking.forget(caller, caller.blocked === wait ? wait : undefined);
      Object.assign(call, { client, db, args, command, reply });
      server.current = current;
      server.outer = outer;
      this.reply.reset();
    }
  }
}
