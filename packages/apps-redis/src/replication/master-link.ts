/** The connection to the master that this server follows: from the handshake over the file to the stream, and again when it breaks. */
import { lookup } from "node:dns";
import { isIP } from "node:net";
import { DemiError, errorName, type QueueDescriptor, type Sga } from "@demikernel/core";
import { User } from "../acl/user.js";
import { encode } from "../protocol/encode.js";
import { Client } from "../server/client.js";
import { addressText } from "../server/listeners.js";
import type { Server } from "../server/server.js";
import { Applier } from "./applier.js";
import { FileReception } from "./file-reception.js";
import { Handshake, type Outcome } from "./handshake.js";
import { Lines } from "./lines.js";
import { LinkNews } from "./link-news.js";
import { type Replaced, replaceDataset } from "./replace-dataset.js";
import type { Replication } from "./replication.js";

const SECOND = 1000;
/** Bytes that are asked for at once. */
const POP = 64 * 1024;
/** Milliseconds after which it is looked again whether the disk, or a pause, lets more come. */
const ASKED_AGAIN = 5;

export class MasterLink {
  /** connect: it is to be, soon. */
  state: "none" | "connect" | "connecting" | "handshake" | "sync" | "connected" = "none";
  /** The master as a client: its commands run as this one's. Undefined until there is a connection. */
  client: Client | undefined;
  /** What this server has is a place of the master's history, or may be one. */
  isResumable = false;
  /** When something came last, milliseconds since 1970; when the link broke, 0 for never. */
  lastHeard = 0;
  downSince = 0;
  reception: FileReception | undefined;
  private lines = new Lines();
  private handshake: Handshake | undefined;
  private applier: Applier | undefined;
  /** Of the connection that is to be: what belongs to another is late. */
  private round = 0;
  private isLoading = false;
  /** The link has ended while the file was loaded: that goes on, and then this server knows its place. */
  private brokenWhileLoading: string | undefined;
  private streamDb = 0;
  private readonly user: User;
  private readonly news: LinkNews;

  constructor(
    private readonly server: Server,
    private readonly replication: Replication,
  ) {
    this.news = new LinkNews(server);
    this.user = new User("(superuser)", server.commands, true);
    for (const rule of ["on", "~*", "&*", "+@all"]) this.user.apply(rule, true);
  }

  /** The database that the master's stream is in. */
  get db(): number {
    return this.state === "connected" ? (this.client as Client).db : this.streamDb;
  }

  set db(id: number) {
    this.streamDb = id;
  }

  /** Bytes of the stream that have come, applied or not. */
  get readOffset(): number {
    return this.replication.offset + (this.applier?.waiting ?? 0);
  }

  // ---- connecting ----------------------------------------------------------------------------------------------------------

  connect(): void {
    const { master } = this.replication;
    if (master === undefined || this.server.os.closed) return;
    this.state = "connecting";
    this.lastHeard = Date.now();
    const round = ++this.round;
    if (isIP(master.host) !== 0) return this.open(master.host, isIP(master.host), master.port);
    lookup(master.host, (error, address, family) => {
      if (round !== this.round || this.server.os.closed) return;
      if (error !== null) this.retry(error.message);
      else this.open(address, family, master.port);
    });
  }

  private open(host: string, family: number, port: number): void {
    const { os } = this.server;
    try {
      const qd = os.socket("tcp", { family: family === 6 ? 6 : 4 });
      const address = family === 6 ? `[${host}]:${port}` : `${host}:${port}`;
      this.client = new Client(this.server.listeners.newId(), os, qd, address, "");
      this.client.user = this.user;
      this.client.isObeyed = true;
      os.connect(qd, { host, port });
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      this.retry(error.message);
    }
  }

  onConnect(qd: QueueDescriptor, result: number): void {
    if (qd !== this.client?.qd || this.state !== "connecting") return;
    if (result < 0) return this.retry(`no connection: ${errorName(result)}`);
    const { config, os } = this.server;
    const { id, offset } = this.replication;
    this.client.localAddress = addressText(os.getsockname(qd));
    this.state = "handshake";
    this.lastHeard = Date.now();
    this.lines = new Lines();
    const place = this.isResumable ? { id, offset: offset + 1 } : undefined;
    const takesOver = this.replication.failover.state === "failover-in-progress";
    this.handshake = new Handshake(config, place, takesOver, (words) => this.send(words));
    this.handshake.begin();
    os.pop(qd, POP);
  }

  private send(words: readonly string[]): void {
    if (this.client !== undefined) this.server.sendText(this.client, encode(words));
  }

  // ---- what comes ----------------------------------------------------------------------------------------------------------

  /** False: it is of another connection. */
  onPop(qd: QueueDescriptor, result: number, sga: Sga): boolean {
    const { client, server } = this;
    if (qd !== client?.qd || client.isClosed) return false;
    const { os } = server;
    if (result <= 0) {
      if (sga !== 0) os.free(sga);
      this.broken("the connection is at its end");
      return true;
    }
    const whole = os.sga.segments(sga) === 1;
    const view = whole ? os.sga.view(sga) : os.sga.copy(sga);
    const at = whole ? os.sga.offset(sga) : 0;
    this.lastHeard = client.lastSeen = Date.now();
    server.statistics.replicationInputBytes += result;
    this.take(view, at, at + result);
    os.free(sga);
    if (client === this.client && !client.isClosed) this.popNext(client);
    return true;
  }

  private popNext(client: Client): void {
    if (client !== this.client || client.isClosed || this.server.os.closed || this.isLoading) return;
    if (this.reception?.isFull || (this.state === "connected" && !this.replication.mayApply)) {
      setTimeout(() => this.popNext(client), ASKED_AGAIN).unref();
      return;
    }
    // What has come before a pause.
    this.applier?.apply();
    if (client === this.client && !client.isClosed) this.server.os.pop(client.qd, POP);
  }

  onPush(qd: QueueDescriptor, result: number): void {
    const { client } = this;
    if (qd !== client?.qd) return;
    client.output.ended(result);
    if (client.output.isBroken) this.broken("what was sent did not arrive");
  }

  private take(bytes: Uint8Array, at: number, end: number): void {
    try {
      while (at < end && this.state === "handshake") {
        const line = this.lines.next(bytes, at, end);
        at = this.lines.position;
        const outcome = line === undefined ? undefined : this.handshake?.answered(line);
        if (outcome !== undefined) this.goOn(outcome);
      }
      if (at < end && this.reception !== undefined && !this.reception.isWhole) {
        at = this.reception.take(bytes, at, end);
        if (this.reception.error !== undefined) throw this.reception.error;
        if (this.reception.isWhole) this.load(this.reception, Buffer.from(bytes.subarray(at, end)));
      } else if (at < end && this.state === "connected") {
        this.applier?.take(bytes, at, end - at);
      }
    } catch (error) {
      this.retry((error as Error).message);
    }
  }

  private goOn(outcome: Outcome): void {
    const { failover } = this.replication;
    if (outcome.kind === "fail") {
      if (failover.state === "failover-in-progress") return failover.abort();
      return this.retry(`it answered ${outcome.why}`);
    }
    failover.settle();
    if (outcome.kind === "partial") {
      this.replication.continued(outcome.id);
      return this.follow();
    }
    this.state = "sync";
    this.place = outcome;
    this.reception = new FileReception();
  }
  private place = { id: "", offset: 0 };

  /** The file is whole: the dataset is replaced by it. `rest`: what came behind it. */
  private load(reception: FileReception, rest: Buffer): void {
    const { server } = this;
    const isLate = (): boolean => reception !== this.reception || server.os.closed;
    this.isLoading = true;
    const alive = setInterval(() => {
      // The master is to know that there is somebody.
      if (!isLate() && this.client !== undefined) server.sendText(this.client, "\n");
    }, SECOND).unref();
    replaceDataset(server, reception, isLate)
      .then((replaced) => this.loaded(replaced, rest))
      .catch((error: Error) => {
        if (isLate()) return;
        this.isLoading = false;
        this.retry(error.message);
      })
      .finally(() => clearInterval(alive));
  }

  private loaded({ db, keys }: Replaced, rest: Buffer): void {
    const { replication, server } = this;
    this.news.isLoaded(keys);
    this.isLoading = false;
    this.reception = undefined;
    this.streamDb = db;
    replication.replaced(this.place.id, this.place.offset);
    this.follow();
    if (rest.length !== 0) this.applier?.take(rest, 0, rest.length);
    if (this.brokenWhileLoading !== undefined) this.broken(this.brokenWhileLoading);
    else if (this.client !== undefined && !server.os.closed) this.popNext(this.client);
  }

  /** From here on the stream is applied. */
  private follow(): void {
    const client = this.client as Client;
    client.db = this.streamDb;
    this.state = "connected";
    this.isResumable = true;
    this.downSince = 0;
    this.handshake = undefined;
    this.applier = new Applier(this.server, client, (why) => {
      // What it says is no stream: nobody knows what of it was meant.
      this.isResumable = false;
      this.retry(why);
    });
    this.acknowledge();
  }

  acknowledge(): void {
    if (this.state === "connected") this.send(["REPLCONF", "ACK", String(this.replication.offset)]);
  }

  // ---- the end -------------------------------------------------------------------------------------------------------------

  /** Each second. */
  tend(): void {
    if (this.state === "none") return;
    if (this.state === "connect") return this.connect();
    if (!this.isLoading && Date.now() - this.lastHeard > this.server.config.replTimeout * SECOND)
      return this.retry("nothing came for repl-timeout");
    this.acknowledge();
  }

  /** It was closed by somebody: CLIENT KILL. */
  lost(): void {
    this.broken("the connection was closed");
  }

  /** A link that was there is made again at once: what the master keeps for those that come back may soon be too old. */
  private broken(why: string): void {
    const wasConnected = this.state === "connected" && !this.isLoading;
    this.retry(why);
    if (wasConnected) this.connect();
  }

  /** Again, in a second at the latest. */
  private retry(why: string): void {
    if (this.isLoading) {
      this.brokenWhileLoading ??= why;
      return;
    }
    this.news.isDown(why, this.state === "connected");
    if (this.state === "connected" || this.downSince === 0) this.downSince = Date.now();
    this.drop();
    this.state = "connect";
  }

  /** No link any more, and none to come. */
  cancel(): void {
    this.drop();
    this.news.forget();
    this.state = "none";
    this.downSince = 0;
  }

  stop(): void {
    this.reception?.abandon();
  }

  private drop(): void {
    const { applier, client, reception } = this;
    this.round++;
    if (this.state === "connected") this.streamDb = (client as Client).db;
    this.isLoading = false;
    this.brokenWhileLoading = undefined;
    this.handshake = this.applier = this.client = this.reception = undefined;
    applier?.stop();
    reception?.abandon();
    if (client !== undefined) this.server.close(client);
  }
}
