/** What replication does each second (Redis: replicationCron). */
import type { Server } from "../server/server.js";

const SECOND = 1000;

export function tend(server: Server): void {
  const { config, pause, replication } = server;
  const { replicas, stream } = replication;
  if (server.cron.isPaused || server.os.closed) return;
  replication.link.tend();
  // A ping is a part of the stream: while who fails over waits for a replica to have all, there is none.
  const isFailingOver = replication.failover.state !== "no-failover" && pause.isOn;
  if (replication.seconds++ % config.replPingReplicaPeriod === 0 && replicas.size !== 0)
    if (replication.master === undefined && !isFailingOver) stream.words("PING");
  const now = Date.now();
  for (const [client, replica] of [...replicas]) {
    const { state, sync } = replica;
    const isDirect = sync?.isDirect === true;
    // Who waits for the file is told that the server is there; so it is no part of the stream.
    if (state === "waiting" && !isDirect) server.sendText(client, "\n");
    // Who acknowledges nothing is not expected to, and who waits for a snapshot has nothing to take.
    const takes = isDirect || state === "sending" ? replica.tookTime : now;
    const last = state === "online" && !replica.isOld ? replica.ackTime : takes;
    if (now - last > config.replTimeout * SECOND) server.close(client);
  }
  const { backlog, master, noReplicasSince } = replication;
  if (backlog !== undefined && master === undefined && replicas.size === 0 && config.replBacklogTtl !== 0) {
    if (now - noReplicasSince > config.replBacklogTtl * SECOND) {
      // Changes are not counted without it: nobody may think that he has them.
      replication.changeId();
      replication.freeBacklog();
    }
  }
  replication.judge();
}
