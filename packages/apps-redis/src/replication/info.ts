/** INFO's section replication, and ROLE. */
import type { Reply } from "../protocol/reply.js";
import type { Server } from "../server/server.js";

type Fields = Record<string, string | number>;

const seconds = (since: number): number => Math.max(0, Math.floor((Date.now() - since) / 1000));

export function replicationFields(server: Server): Fields {
  const { config, replication } = server;
  const { backlog, replicas } = replication;
  const fields: Fields = { role: replication.master === undefined ? "master" : "slave", ...ofReplica(server) };
  fields.connected_slaves = replicas.size;
  if (config.minReplicasToWrite !== 0 && config.minReplicasMaxLag !== 0)
    fields.min_slaves_good_slaves = replication.goodReplicas;
  let number = 0;
  for (const replica of replicas.values()) {
    const { ackOffset, ackTime, address, introduction, state, stateText } = replica;
    const lag = state === "online" ? seconds(ackTime) : 0;
    fields[`slave${number++}`] =
      `ip=${address},port=${introduction.port},state=${stateText},offset=${ackOffset},lag=${lag}`;
  }
  return {
    ...fields,
    master_failover_state: replication.failover.state,
    master_replid: replication.id,
    master_replid2: replication.id2,
    master_repl_offset: replication.offset,
    second_repl_offset: replication.secondOffset,
    repl_backlog_active: backlog === undefined ? 0 : 1,
    repl_backlog_size: config.replBacklogSize,
    repl_backlog_first_byte_offset: backlog === undefined ? 0 : firstOf(server),
    repl_backlog_histlen: backlog === undefined ? 0 : replication.offset + 1 - firstOf(server),
  };
}

/** What is gathered for the backlog is counted, too. */
function firstOf({ config, replication }: Server): number {
  return Math.max(replication.backlog?.first ?? 0, replication.offset + 1 - config.replBacklogSize);
}

function ofReplica({ config, replication }: Server): Fields {
  const { link, master } = replication;
  if (master === undefined) return {};
  const { downSince, lastHeard, reception, state } = link;
  const isUp = state === "connected";
  const fields: Fields = {
    master_host: master.host,
    master_port: master.port,
    master_link_status: isUp ? "up" : "down",
    master_last_io_seconds_ago: isUp ? seconds(lastHeard) : -1,
    master_sync_in_progress: state === "sync" ? 1 : 0,
    slave_read_repl_offset: link.isResumable ? link.readOffset : 1,
    slave_repl_offset: link.isResumable ? replication.offset : 1,
  };
  if (state === "sync" && reception !== undefined) {
    const { received, total } = reception;
    const known = Math.max(0, total);
    Object.assign(fields, {
      master_sync_total_bytes: known,
      master_sync_read_bytes: received,
      master_sync_left_bytes: known - received,
      master_sync_perc: (known === 0 ? 0 : (received / known) * 100).toFixed(2),
      master_sync_last_io_seconds_ago: seconds(lastHeard),
    });
  }
  if (!isUp) fields.master_link_down_since_seconds = downSince === 0 ? -1 : seconds(downSince);
  fields.slave_priority = config.replicaPriority;
  fields.slave_read_only = config.replicaReadOnly ? 1 : 0;
  fields.replica_announced = config.replicaAnnounced ? 1 : 0;
  return fields;
}

export function tellRole(server: Server, reply: Reply): void {
  const { link, master, offset, replicas } = server.replication;
  if (master === undefined) {
    const online = [...replicas.values()].filter(({ state }) => state === "online");
    reply.array(3);
    reply.text("master");
    reply.integer(offset);
    reply.array(online.length);
    for (const { ackOffset, address, introduction } of online)
      reply.texts([address, String(introduction.port), String(ackOffset)]);
    return;
  }
  reply.array(5);
  reply.text("slave");
  reply.text(master.host);
  reply.integer(master.port);
  reply.text(link.state);
  reply.integer(link.state === "connected" ? offset : -1);
}
