/** Replication: what administrators ask for, and what servers say to each other. */
import type { CommandSpec } from "../command.js";
import { replconf, sync } from "./psync.js";
import { failover, replicaOf, role, wait } from "./replicaof.js";

type Spec = Omit<CommandSpec, "name" | "categories" | "group"> & { categories?: string; group?: string };

const command = (name: string, spec: Spec): CommandSpec => ({ name, categories: "", group: "server", ...spec });

export const replicationCommands: readonly CommandSpec[] = [
  command("failover", {
    arity: -1,
    flags: "admin noscript stale",
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Hands the place of the master over to a replica.",
    handler: failover,
  }),
  command("psync", {
    arity: -3,
    flags: "admin noscript no_async_loading no_multi",
    since: "2.8.0",
    complexity: "",
    summary: "A replica asks for what it lacks.",
    handler: sync,
  }),
  command("replconf", {
    arity: -1,
    flags: "admin noscript loading stale allow_busy",
    since: "3.0.0",
    complexity: "O(1)",
    summary: "A replica says what it is, and how far.",
    handler: replconf,
  }),
  command("replicaof", {
    arity: 3,
    flags: "admin noscript stale no_async_loading",
    since: "5.0.0",
    complexity: "O(1)",
    summary: "Makes the server a replica of another, or a master.",
    handler: replicaOf,
  }),
  command("role", {
    arity: 1,
    flags: "noscript loading stale fast",
    categories: "admin dangerous",
    since: "2.8.12",
    complexity: "O(1)",
    summary: "The role in replication, and how far it is.",
    handler: role,
  }),
  command("slaveof", {
    arity: 3,
    flags: "admin noscript stale no_async_loading",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Makes the server a replica of another, or a master.",
    handler: replicaOf,
  }),
  command("sync", {
    arity: 1,
    flags: "admin noscript no_async_loading no_multi",
    since: "1.0.0",
    complexity: "",
    summary: "A replica asks for all.",
    handler: sync,
  }),
  command("wait", {
    arity: 3,
    flags: "noscript",
    categories: "connection",
    group: "generic",
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Waits until so many replicas have what the connection wrote.",
    hints: "request_policy:all_shards response_policy:agg_min",
    handler: wait,
  }),
];
