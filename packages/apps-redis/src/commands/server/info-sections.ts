/** What each section of INFO has. */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { arch, release, totalmem, type } from "node:os";
import { shortBytes } from "../../numbers/short-bytes.js";
import { persistence } from "../../persistence/info.js";
import { replicationFields } from "../../replication/info.js";
import { memoryOf, typeOf } from "../../server/client-info.js";
import type { Server } from "../../server/server.js";
import type { Command } from "../command.js";
import { VERSION } from "../connection/session.js";

type Fields = Record<string, string | number>;
interface Section {
  title: string;
  fields(server: Server): Fields;
}

const RUN_ID = randomBytes(20).toString("hex");
const TICKS_PER_SECOND = 100;

const ratio = (a: number, b: number): string => (b === 0 ? "0.00" : (a / b).toFixed(2));

function server({ config, os, shutdown, started }: Server): Fields {
  const now = Date.now();
  const uptime = Math.floor((now - started) / 1000);
  return {
    redis_version: VERSION,
    redis_git_sha1: "00000000",
    redis_git_dirty: 0,
    redis_build_id: "0",
    redis_mode: "standalone",
    os: `${type()} ${release()} ${arch() === "x64" ? "x86_64" : arch()}`,
    arch_bits: 64,
    monotonic_clock: "performance.now",
    multiplexing_api: `${os.name}-${os.engine}`,
    atomicvar_api: "none",
    gcc_version: "0.0.0",
    process_id: process.pid,
    process_supervised: "no",
    run_id: RUN_ID,
    tcp_port: config.port,
    server_time_usec: now * 1000,
    uptime_in_seconds: uptime,
    uptime_in_days: Math.floor(uptime / 86400),
    hz: config.hz,
    configured_hz: config.hz,
    lru_clock: Math.floor(now / 1000) & 0xffffff,
    executable: process.argv[1] ?? "",
    config_file: config.file ?? "",
    io_threads_active: 0,
    ...(shutdown.isWaiting ? { shutdown_in_milliseconds: shutdown.left } : {}),
  };
}

function clients(server: Server): Fields {
  let input = 0;
  let output = 0;
  let tracking = 0;
  for (const client of server.clients.values()) {
    input = Math.max(input, client.filled);
    output = Math.max(output, client.output.kept);
    if (client.tracking !== undefined) tracking++;
  }
  return {
    connected_clients: server.clients.size - server.replication.replicas.size,
    cluster_connections: 0,
    maxclients: server.config.maxclients,
    client_recent_max_input_buffer: input,
    client_recent_max_output_buffer: output,
    blocked_clients: server.blocking.count,
    tracking_clients: tracking,
    clients_in_timeout_table: 0,
  };
}

/** Bytes, of what kind: INFO's and MEMORY STATS's. */
export function memoryOfAll(
  server: Server,
): Record<"used" | "peak" | "rss" | "base" | "reserved" | "tables" | "clients" | "replicas", number> {
  const used = server.statistics.usedMemory;
  let clients = 0;
  let replicas = 0;
  for (const client of server.clients.values()) {
    if (typeOf(client) === "replica") replicas += memoryOf(client);
    else clients += memoryOf(client);
  }
  return {
    used,
    peak: server.statistics.peakMemory,
    rss: process.memoryUsage.rss(),
    base: server.keyspace.baseMemory,
    reserved: server.keyspace.baseMemory + server.keyspace.heap.reserved,
    tables: used - server.keyspace.baseMemory - server.keyspace.heap.used,
    clients,
    replicas,
  };
}

function scripts({ scripting }: Server): Fields {
  const { evalMemory, functionsMemory, scripts, scriptsMemory, librariesMemory } = scripting.facts;
  const { all, functions } = scripting.libraries;
  const total = evalMemory + functionsMemory;
  const kept = scriptsMemory + librariesMemory;
  return {
    used_memory_lua: evalMemory,
    used_memory_vm_eval: evalMemory,
    used_memory_lua_human: shortBytes(evalMemory),
    used_memory_scripts_eval: scriptsMemory,
    number_of_cached_scripts: scripts,
    number_of_functions: functions.size,
    number_of_libraries: all.size,
    used_memory_vm_functions: functionsMemory,
    used_memory_vm_total: total,
    used_memory_vm_total_human: shortBytes(total),
    used_memory_functions: librariesMemory,
    used_memory_scripts: kept,
    used_memory_scripts_human: shortBytes(kept),
  };
}

function memory(server: Server): Fields {
  const { used, peak, rss, base, reserved, tables, clients, replicas } = memoryOfAll(server);
  const dataset = used - base - tables;
  const { maxmemory, maxmemoryPolicy } = server.config;
  const total = totalmem();
  return {
    used_memory: used,
    used_memory_human: shortBytes(used),
    used_memory_rss: rss,
    used_memory_rss_human: shortBytes(rss),
    used_memory_peak: peak,
    used_memory_peak_human: shortBytes(peak),
    used_memory_peak_perc: `${ratio(used * 100, peak)}%`,
    used_memory_overhead: base + tables + clients,
    used_memory_startup: base,
    used_memory_dataset: dataset,
    used_memory_dataset_perc: `${ratio(dataset * 100, used - base)}%`,
    allocator_allocated: used,
    allocator_active: reserved,
    allocator_resident: reserved,
    total_system_memory: total,
    total_system_memory_human: shortBytes(total),
    ...scripts(server),
    maxmemory,
    maxmemory_human: shortBytes(maxmemory),
    maxmemory_policy: maxmemoryPolicy,
    allocator_frag_ratio: ratio(reserved, used),
    allocator_frag_bytes: Math.max(0, reserved - used),
    allocator_rss_ratio: "1.00",
    allocator_rss_bytes: 0,
    rss_overhead_ratio: ratio(rss, reserved),
    rss_overhead_bytes: rss - reserved,
    mem_fragmentation_ratio: ratio(rss, used),
    mem_fragmentation_bytes: rss - used,
    mem_not_counted_for_evict: 0,
    mem_replication_backlog: server.replication.backlog?.memory ?? 0,
    mem_total_replication_buffers:
      (server.replication.backlog?.memory ?? 0) + server.replication.syncs.bytes + replicas,
    mem_clients_slaves: replicas,
    mem_clients_normal: clients,
    mem_cluster_links: 0,
    mem_aof_buffer: server.aof.bufferedBytes,
    mem_allocator: "demikernel",
    active_defrag_running: 0,
    lazyfree_pending_objects: server.keyspace.pendingObjects,
    lazyfreed_objects: server.keyspace.lazyFreed,
  };
}

function stats(server: Server): Fields {
  const { activeExpiry, statistics, keyspace, pubsub, replication, tracker } = server;
  let errors = 0;
  for (const count of statistics.errors.values()) errors += count;
  return {
    total_connections_received: server.connections,
    total_commands_processed: server.processed,
    instantaneous_ops_per_sec: Math.round(statistics.operations.perSecond),
    total_net_input_bytes: statistics.inputBytes,
    total_net_output_bytes: statistics.outputBytes,
    total_net_repl_input_bytes: statistics.replicationInputBytes,
    total_net_repl_output_bytes: statistics.replicationOutputBytes,
    instantaneous_input_kbps: (statistics.input.perSecond / 1024).toFixed(2),
    instantaneous_output_kbps: (statistics.output.perSecond / 1024).toFixed(2),
    instantaneous_input_repl_kbps: "0.00",
    instantaneous_output_repl_kbps: "0.00",
    rejected_connections: statistics.rejectedConnections,
    sync_full: replication.fullSyncs,
    sync_partial_ok: replication.partialSyncs,
    sync_partial_err: replication.refusedPartialSyncs,
    expired_keys: keyspace.expired,
    expired_stale_perc: (activeExpiry.stale * 100).toFixed(2),
    expired_time_cap_reached_count: activeExpiry.timesOver,
    expire_cycle_cpu_milliseconds: Math.floor(activeExpiry.milliseconds),
    evicted_keys: keyspace.evicted,
    evicted_clients: statistics.evictedClients,
    total_eviction_exceeded_time: 0,
    current_eviction_exceeded_time: 0,
    keyspace_hits: keyspace.hits,
    keyspace_misses: keyspace.misses,
    pubsub_channels: pubsub.channel.size,
    pubsub_patterns: pubsub.pattern.size,
    pubsubshard_channels: pubsub.shard.size,
    latest_fork_usec: 0,
    total_forks: 0,
    migrate_cached_sockets: 0,
    slave_expires_tracked_keys: replication.ownKeys.count,
    active_defrag_hits: 0,
    active_defrag_misses: 0,
    active_defrag_key_hits: 0,
    active_defrag_key_misses: 0,
    total_active_defrag_time: 0,
    current_active_defrag_time: 0,
    tracking_total_keys: tracker.keys,
    tracking_total_items: tracker.items,
    tracking_total_prefixes: tracker.prefixCount,
    unexpected_error_replies: 0,
    total_error_replies: errors,
    dump_payload_sanitizations: 0,
    total_reads_processed: statistics.reads,
    total_writes_processed: statistics.writes,
    io_threaded_reads_processed: 0,
    io_threaded_writes_processed: 0,
    reply_buffer_shrinks: 0,
    reply_buffer_expands: 0,
  };
}

function cpu(): Fields {
  const { system, user } = process.cpuUsage();
  const seconds = (microseconds: number): string => (microseconds / 1e6).toFixed(6);
  const main = mainThread();
  return {
    used_cpu_sys: seconds(system),
    used_cpu_user: seconds(user),
    used_cpu_sys_children: "0.000000",
    used_cpu_user_children: "0.000000",
    ...(main && { used_cpu_sys_main_thread: seconds(main.system), used_cpu_user_main_thread: seconds(main.user) }),
  };
}

/** Of the thread that runs commands, in microseconds; undefined where the kernel does not tell. */
function mainThread(): { system: number; user: number } | undefined {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/stat`, "latin1");
    const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const microseconds = (ticks: string): number => (Number(ticks) * 1e6) / TICKS_PER_SECOND;
    return { user: microseconds(words[11]), system: microseconds(words[12]) };
  } catch {
    return undefined;
  }
}

/** Commands that have been called or refused, subcommands for their containers. */
export function usedCommands({ commands }: Server): Command[] {
  const all: Command[] = [];
  const add = (command: Command): void => {
    if (command.calls !== 0 || command.rejected !== 0 || command.failed !== 0) all.push(command);
    for (const sub of command.subcommands.values()) add(sub);
  };
  for (const command of commands.all.values()) add(command);
  return all;
}

function commandStats(server: Server): Fields {
  const fields: Fields = {};
  for (const command of usedCommands(server)) {
    const { fullName, calls, rejected, failed } = command;
    const microseconds = Math.round(command.microseconds);
    fields[`cmdstat_${fullName}`] =
      `calls=${calls},usec=${microseconds},usec_per_call=${ratio(microseconds, calls)},` +
      `rejected_calls=${rejected},failed_calls=${failed}`;
  }
  return fields;
}

function errorStats({ statistics }: Server): Fields {
  return Object.fromEntries([...statistics.errors].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]));
}

function latencyStats(server: Server): Fields {
  const fields: Fields = {};
  if (!server.config.latencyTracking) return fields;
  const percentiles = server.config.latencyTrackingInfoPercentiles.split(" ").filter(Boolean);
  for (const { fullName, histogram } of usedCommands(server)) {
    if (histogram === undefined) continue;
    fields[`latency_percentiles_usec_${fullName}`] = percentiles
      .map((percent) => `p${percent}=${(histogram.percentile(Number(percent)) / 1000).toFixed(3)}`)
      .join(",");
  }
  return fields;
}

function keyspace({ keyspace: { dbs } }: Server): Fields {
  const fields: Fields = {};
  for (const db of dbs) {
    if (db.size === 0) continue;
    const expires = db.expires.size;
    fields[`db${db.id}`] = `keys=${db.size},expires=${expires},avg_ttl=${Math.floor(db.averageTtl)}`;
  }
  return fields;
}

/** What Redis has not: the counters of the libOS underneath. */
function libos({ os }: Server): Fields {
  return Object.fromEntries(Object.entries(os.stats()).map(([name, value]) => [`libos_${name}`, value]));
}

export const SECTIONS: Record<string, Section> = {
  server: { title: "Server", fields: server },
  clients: { title: "Clients", fields: clients },
  memory: { title: "Memory", fields: memory },
  persistence: { title: "Persistence", fields: persistence },
  stats: { title: "Stats", fields: stats },
  replication: { title: "Replication", fields: replicationFields },
  cpu: { title: "CPU", fields: cpu },
  modules: { title: "Modules", fields: () => ({}) },
  commandstats: { title: "Commandstats", fields: commandStats },
  errorstats: { title: "Errorstats", fields: errorStats },
  latencystats: { title: "Latencystats", fields: latencyStats },
  cluster: { title: "Cluster", fields: () => ({ cluster_enabled: 0 }) },
  keyspace: { title: "Keyspace", fields: keyspace },
  libos: { title: "Libos", fields: libos },
};
