/** FAILOVER: the server hands its place over to a replica, which has all that was written before it does. */
import type { Server } from "../server/server.js";
import type { Replica } from "./replica.js";
import type { Address, Replication } from "./replication.js";

/** Milliseconds between two looks at how far replicas are. */
const LOOKED = 50;

export class Failover {
  state: "no-failover" | "waiting-for-sync" | "failover-in-progress" = "no-failover";
  private target: Address | undefined;
  private isForced = false;
  private end: number | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly server: Server,
    private readonly replication: Replication,
  ) {}

  find({ host, port }: Address): Replica | undefined {
    for (const replica of this.replication.replicas.values())
      if (replica.address === host && replica.introduction.port === port) return replica;
    return undefined;
  }

  /** `milliseconds`: for how long at most; nothing is written until a replica has all. */
  begin(target: Address | undefined, milliseconds: number | undefined, isForced: boolean): void {
    this.state = "waiting-for-sync";
    this.target = target;
    this.isForced = isForced;
    this.end = milliseconds === undefined ? undefined : Date.now() + milliseconds;
    this.server.pause.begin("failover", Number.MAX_SAFE_INTEGER - Date.now(), true);
    this.timer = setInterval(this.look, LOOKED).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  abort(): void {
    if (this.state === "failover-in-progress") this.replication.promote();
    this.settle();
  }

  /** The replica has taken over, or will not. */
  settle(): void {
    if (this.state === "no-failover") return;
    this.state = "no-failover";
    this.stop();
    this.server.pause.stop("failover");
  }

  private readonly look = (): void => {
    if (this.state !== "waiting-for-sync" || this.server.os.closed) return;
    if (this.end !== undefined && Date.now() >= this.end) {
      if (this.isForced) this.handOver(this.target as Address);
      else this.abort();
      return;
    }
    const candidates =
      this.target === undefined ? [...this.replication.replicas.values()] : [this.find(this.target)].filter(Boolean);
    const ready = (candidates as Replica[]).find(({ ackOffset }) => ackOffset === this.replication.offset);
    // They say so each second; to ask them would make the stream longer.
    if (ready !== undefined) this.handOver({ host: ready.address, port: ready.introduction.port });
  };

  private handOver(target: Address): void {
    this.state = "failover-in-progress";
    this.replication.follow(target);
  }
}
