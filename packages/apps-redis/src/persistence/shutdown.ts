/**
 * The end of the server: SHUTDOWN, SIGTERM and SIGINT. Replicas may get what they lack before, and the dataset is saved if that is wanted, or if
 * there are save points.
 */
import type { Wait } from "../server/blocking.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

export interface ShutdownOptions {
  save?: boolean;
  nosave?: boolean;
  /** No replica is waited for. */
  now?: boolean;
  /** It ends although the dataset could not be saved. */
  force?: boolean;
}

/** Milliseconds between two looks at how far replicas are. */
const LOOKED = 50;
const FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

export class Shutdown {
  /** Called before the dataset is saved, and when the server goes on instead. */
  whenEnding: () => void = () => {};
  whenGoingOn: () => void = () => {};
  private options: ShutdownOptions = {};
  private timer: NodeJS.Timeout | undefined;
  private end = 0;
  /** Replicas are waited for that do not have the stream up to here: nothing is written any more, but it gets longer by what they are asked. */
  private offset = 0;
  /** What all clients wait for that have said SHUTDOWN. */
  private readonly wait: Wait = { db: 0, keys: [], serve: () => false, expire: () => {}, isFirm: true };

  constructor(private readonly server: Server) {}

  /** Replicas are waited for. */
  get isWaiting(): boolean {
    return this.timer !== undefined;
  }

  /** Milliseconds for which replicas are waited for. */
  get left(): number {
    return Math.max(0, this.end - Date.now());
  }

  /** False: the dataset could not be saved, and the server goes on. A client that has asked for it is told so later, if it is tried later. */
  begin(options: ShutdownOptions, client?: Client): boolean {
    const { server } = this;
    if (!this.isWaiting) {
      this.options = options;
      this.offset = server.replication.offset;
      // While a script runs nobody is heard of.
      const mayWait = options.now !== true && server.config.shutdownTimeout !== 0 && !server.isBusy;
      if (!mayWait || this.lagging === 0) return this.finish();
      this.waitForReplicas();
    }
    if (client !== undefined) server.blocking.block(client, this.wait, 0);
    return true;
  }

  /** SHUTDOWN ABORT. False: there is nothing to be aborted. */
  abort(): boolean {
    if (!this.isWaiting) return false;
    this.goOn();
    this.server.note("Shutdown manually aborted: it goes on");
    return true;
  }

  /** The server is ending otherwise. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  // ---- replicas ------------------------------------------------------------------------------------------------------------

  private get lagging(): number {
    let lagging = 0;
    for (const { ackOffset } of this.server.replication.replicas.values()) if (ackOffset < this.offset) lagging++;
    return lagging;
  }

  private waitForReplicas(): void {
    const { config, pause, replication } = this.server;
    this.end = Date.now() + config.shutdownTimeout * 1000;
    // A pause of another kind may be there because a replica is to have all that was written: it does not get longer.
    if (!pause.isOn) replication.acknowledgements.ask();
    pause.begin("shutdown", Number.MAX_SAFE_INTEGER - Date.now(), true);
    this.timer = setInterval(this.look, LOOKED).unref();
    this.server.note(`it is about to end, and waits for ${this.lagging} replicas`);
  }

  private readonly look = (): void => {
    if (!this.server.os.closed && (Date.now() >= this.end || this.lagging === 0)) this.finish();
  };

  private tellLagging(): void {
    const { replication, log, note } = this.server;
    const now = Date.now();
    const { size } = replication.replicas;
    if (size === 0) return;
    for (const { ackOffset, ackTime, address, introduction, stateText, state } of replication.replicas.values()) {
      if (ackOffset >= this.offset) continue;
      const lag = state === "online" ? Math.floor((now - ackTime) / 1000) : 0;
      const behind = this.offset - ackOffset;
      log(`Lagging replica ${address}:${introduction.port}: ${behind} bytes behind, lag=${lag}, state=${stateText}`);
    }
    note(`${size - this.lagging} of ${size} replicas are in sync when it ends`);
  }

  // ---- the end itself ------------------------------------------------------------------------------------------------------

  private finish(): boolean {
    const { server } = this;
    this.whenEnding();
    this.tellLagging();
    if (!this.isSafe()) {
      server.log("Errors trying to shut down: it goes on");
      this.goOn();
      return false;
    }
    this.stop();
    server.loading.abort();
    server.note("ready to exit, bye bye");
    server.stop();
    return true;
  }

  /** What is to be kept is on the disk, or does not matter. */
  private isSafe(): boolean {
    const { aof, loading, log, note, rdb } = this.server;
    const { force, nosave, save } = this.options;
    // What it would have is older than what is saved now.
    rdb.abandon();
    // At the start there is nothing yet that it would keep.
    if (aof.lacksBase && !loading.isOn) {
      log(`Writing initial AOF, ${force === true ? "and ends anyway" : "can't exit"}`);
      if (force !== true) return false;
    }
    // Half of a dataset is not to take the place of all of it.
    const isHalf = loading.isOn && !loading.isAside;
    if (isHalf || !(save === true || (rdb.points.length !== 0 && nosave !== true))) return true;
    note("saving before the end");
    return rdb.saveNow() || force === true;
  }

  private goOn(): void {
    const { blocking, call, clients, pause } = this.server;
    this.stop();
    for (const client of [...clients.values()])
      if (client.blocked === this.wait) blocking.unblock(client, () => call.reply.error(FAILED));
    pause.stop("shutdown");
    this.whenGoingOn();
  }
}
