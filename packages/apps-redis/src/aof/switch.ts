/** Turns the append-only file on and off: at the start, and by CONFIG SET. */
import { DemiError } from "@demikernel/core";
import type { Server } from "../server/server.js";
import { type AofPlace, FileStore } from "./file-store.js";
import { loadAof } from "./load.js";
import type { AofStore } from "./store.js";

const placeOf = ({ config }: Server): AofPlace => ({ folder: config.appenddirname, name: config.appendfilename });

function openStore(server: Server, isFresh: boolean): AofStore {
  return new FileStore(server.os, placeOf(server), {
    isDurable: server.config.appendfsync === "always",
    isFresh,
    warn: (sentence) => server.log(sentence),
  });
}

/** Loads what there is and goes on with it, or begins one. Throws LoadError, a DemiError or a system error: the server cannot start then. */
export async function startAof(server: Server): Promise<void> {
  const { aof, rewriting } = server;
  let isFresh = false;
  if (server.config.appendonly) {
    const loaded = await loadAof(server, placeOf(server));
    if (loaded?.cut !== undefined) server.log(loaded.cut);
    if (loaded !== undefined) server.log(`${loaded.commands} commands of the append-only file were run`);
    isFresh = loaded === undefined;
    aof.begin(openStore(server, isFresh));
    if (isFresh) {
      await new Promise<void>((resolve, reject) => {
        rewriting.start((error) => (error === undefined ? resolve() : reject(error)));
        server.snapshots.finish();
      });
    } else {
      aof.countFromHere();
    }
  }
  follow(server);
}

function follow(server: Server): void {
  const { aof, config, rewriting } = server;
  config.onChange("appendonly", () => {
    if (config.appendonly === aof.isOn) return undefined;
    if (!config.appendonly) {
      if (rewriting.isRunning) server.snapshots.abandon();
      aof.stop();
      return undefined;
    }
    try {
      aof.begin(openStore(server, true));
    } catch (error) {
      if (!(error instanceof DemiError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
      server.log(`the append-only file: ${(error as Error).message}`);
      return "Unable to turn on AOF. Check server logs.";
    }
    if (!rewriting.start()) rewriting.schedule();
    return undefined;
  });
  config.onChange("appendfsync", () => {
    aof.setDurable(config.appendfsync === "always");
    return undefined;
  });
}
