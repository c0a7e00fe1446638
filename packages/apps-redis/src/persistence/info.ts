/** INFO persistence. */
import type { AofStore } from "../aof/store.js";
import type { Server } from "../server/server.js";

type Fields = Record<string, string | number>;

export function persistence(server: Server): Fields {
  const { loading, rdb, snapshots } = server;
  return {
    loading: Number(loading.isOn && !loading.isAside),
    async_loading: Number(loading.isOn && loading.isAside),
    current_cow_peak: 0,
    current_cow_size: 0,
    current_cow_size_age: 0,
    current_fork_perc: (snapshots.progress * 100).toFixed(2),
    current_save_keys_processed: snapshots.told,
    current_save_keys_total: snapshots.keys,
    rdb_changes_since_last_save: rdb.changes,
    rdb_bgsave_in_progress: Number(rdb.isRunning || snapshots.kind === "rdb"),
    rdb_last_save_time: rdb.lastSave,
    rdb_last_bgsave_status: rdb.isLastGood ? "ok" : "err",
    rdb_last_bgsave_time_sec: rdb.lastDuration,
    rdb_current_bgsave_time_sec: rdb.runningFor,
    rdb_saves: rdb.saves,
    rdb_last_cow_size: 0,
    rdb_last_load_keys_expired: loading.expired,
    rdb_last_load_keys_loaded: loading.keys,
    ...appendOnlyFile(server),
    module_fork_in_progress: 0,
    module_fork_last_cow_size: 0,
    ...(server.aof.current === undefined ? {} : appended(server, server.aof.current)),
    ...(loading.isOn && {
      loading_start_time: loading.began,
      loading_total_bytes: loading.totalBytes,
      loading_rdb_used_mem: loading.usedMemory,
      loading_loaded_bytes: loading.loadedBytes,
      loading_loaded_perc: loading.percent.toFixed(2),
      loading_eta_seconds: loading.left,
    }),
  };
}

function appendOnlyFile({ aof, config, loading, rewriting }: Server): Fields {
  return {
    aof_enabled: config.appendonly ? 1 : 0,
    aof_rewrite_in_progress: rewriting.isRunning ? 1 : 0,
    // A base is what an append-only file begins with that could not be begun yet.
    aof_rewrite_scheduled: rewriting.isScheduled || (config.appendonly && !aof.isOn && !loading.isOn) ? 1 : 0,
    aof_last_rewrite_time_sec: rewriting.lastSeconds,
    aof_current_rewrite_time_sec: rewriting.currentSeconds,
    aof_last_bgrewrite_status: rewriting.lastFailed ? "err" : "ok",
    aof_rewrites: rewriting.count,
    aof_rewrites_consecutive_failures: rewriting.failures,
    aof_last_write_status: aof.error === undefined ? "ok" : "err",
    aof_last_cow_size: 0,
  };
}

function appended({ aof, rewriting }: Server, { appendedBytes, baseBytes }: AofStore): Fields {
  return {
    aof_current_size: baseBytes + appendedBytes,
    aof_base_size: aof.bytesAfterRewrite,
    aof_pending_rewrite: rewriting.isScheduled ? 1 : 0,
    aof_buffer_length: aof.bufferedBytes,
    aof_pending_bio_fsync: aof.isSyncPending ? 1 : 0,
    aof_delayed_fsync: aof.delayedSyncs,
  };
}
