/** SIGTERM and SIGINT end the server, as `shutdown-on-sigterm` and `shutdown-on-sigint` say. */
import type { Server } from "../server/server.js";
import type { ShutdownOptions } from "./shutdown.js";

const ENDING = ["SIGTERM", "SIGINT"] as const;

export class Signals {
  /** One has come, and the server has not gone on since. */
  private isTold = false;
  private isFollowing = false;

  constructor(private readonly server: Server) {
    const { shutdown } = server;
    // A second one ends the process at once, even within the saving of the first: by then it is nobody's here.
    shutdown.whenEnding = () => {
      if (this.isTold) this.leave();
    };
    shutdown.whenGoingOn = () => {
      this.isTold = false;
      this.follow();
    };
    this.follow();
  }

  private follow(): void {
    if (this.isFollowing) return;
    this.isFollowing = true;
    for (const signal of ENDING) process.on(signal, this.onSignal);
  }

  private leave(): void {
    this.isFollowing = false;
    for (const signal of ENDING) process.off(signal, this.onSignal);
  }

  private readonly onSignal = (signal: (typeof ENDING)[number]): void => {
    const { config, rdb, shutdown } = this.server;
    // Whoever presses Ctrl-C twice does not want to wait for replicas.
    if (this.isTold && signal === "SIGINT") {
      rdb.abandon();
      process.exit(1);
    }
    this.isTold = true;
    const words = (signal === "SIGINT" ? config.shutdownOnSigint : config.shutdownOnSigterm).split(" ");
    shutdown.begin(Object.fromEntries(words.map((word) => [word, true])) as ShutdownOptions);
  };
}
