/** What is told of the link to the master to whoever looks after the server. */
import type { Server } from "../server/server.js";

export class LinkNews {
  private told = "";

  constructor(private readonly server: Server) {}

  /** Told if there was a link, or if the reason is another one: what is tried again each second is not news. */
  isDown(why: string, wasUp: boolean): void {
    const { master } = this.server.replication;
    if (master === undefined || (!wasUp && why === this.told)) return;
    this.told = why;
    this.server.log(`no link to the master ${master.host}:${master.port}: ${why}`);
  }

  isLoaded(keys: number): void {
    this.forget();
    this.server.note(`${keys} keys loaded from the master`);
  }

  /** What comes next is news. */
  forget(): void {
    this.told = "";
  }
}
