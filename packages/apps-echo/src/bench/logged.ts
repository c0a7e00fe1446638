/** demi-echo bench --log: the echo of durable messages, ours beside C that writes and synchronises each. */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  atLeast,
  atMost,
  circumstances,
  describe,
  type Goal,
  goalLine,
  Progress,
  pairedRatios,
  placeServerAndGenerator,
  type Quartiles,
  quartiles,
  spread,
  table,
  thousands,
  writeReport,
} from "@demikernel/bench";
import { Failure } from "../failure.js";
import { buildNative } from "./build-native.js";
import { compare, type Row } from "./compare.js";
import { Fleet } from "./fleet.js";
import type { Load } from "./load.js";
import { configDirectory, type Server } from "./servers.js";

export interface LoggedOptions {
  connections: number[];
  rounds: number;
  seconds: number;
  size: number;
  seed: number;
  json?: string;
}

/** Median latency of one connection over C's, and requests a second of this many connections over C's. */
const P50_TO_C = 1.05;
const MANY = 64;
const REQUESTS_TO_C = 4;
/** Of each server's file: each is begun with, so that the file system has nothing to note when they are written again. */
const FILE_MEBIBYTES = 256;
const WARMUP = 0.2;

const cli = fileURLToPath(new URL("../cli.js", import.meta.url));

interface LoggedRow extends Row {
  p50ToC: Quartiles;
  requestsToC: Quartiles;
}

export async function benchLogged({ connections: steps, rounds, seconds, size, seed, json }: LoggedOptions) {
  const programs = buildNative();
  const directory = configDirectory();
  const placement = placeServerAndGenerator();
  const servers: Server[] = [
    {
      name: "C epoll, write and fdatasync",
      side: "C",
      spins: false,
      command: programs.epoll,
      args: ["--log", zeros(directory, "c")],
    },
    {
      name: "demi-echo posix with spdk",
      side: "ours",
      spins: false,
      command: process.execPath,
      args: [
        ...[cli, "server", "--port", "0", "--libos", "posix", "--storage", "spdk"],
        ...["--storage-device", `file:${zeros(directory, "ours")}`, "--log", "echo"],
      ],
      expect: "spdk",
    },
  ];
  console.log(describe(circumstances()));
  console.log(`${placement.note}; ${rounds} rounds of ${seconds} s, ${size} B, seed ${seed}; files in ${directory}`);
  const load: Load = {
    program: programs.load,
    cpu: placement.generator,
    connections: 1,
    size,
    seconds,
    warmup: WARMUP,
    busy: false,
  };
  const fleet = new Fleet(placement.server);
  const progress = new Progress(rounds * steps.length * servers.length);
  const rows: LoggedRow[] = [];
  try {
    await fleet.start(servers, load);
    const missing = fleet.leftOut[0];
    if (missing) throw new Failure(`${missing.name}: ${missing.reason}`);
    for (const connections of steps) {
      const onMeasure = (name: string) => progress.step(`${name}, ${connections} connections`);
      const compared = await compare(fleet, fleet.servers, { ...load, connections }, { rounds, seed, onMeasure });
      rows.push(...withRatios(compared.rows));
    }
  } finally {
    progress.done();
    await fleet.stop();
  }
  console.log(`\n${loggedTable(rows)}\n\nMedian [quartiles] over rounds; ratios are of the same round.\n`);
  const goals = judge(rows);
  for (const goal of goals) console.log(goalLine(goal));
  const results = { options: { connections: steps, rounds, seconds, size, seed }, placement, rows, goals };
  for (const path of writeReport({ name: "echo-log", results, json })) console.log(`wrote ${path}`);
}

/** A file whose blocks are all written. */
function zeros(directory: string, name: string): string {
  const path = join(directory, name);
  const fd = openSync(path, "w", 0o600);
  const some = Buffer.alloc(1 << 20);
  for (let i = 0; i < FILE_MEBIBYTES; i++) writeSync(fd, some);
  fsyncSync(fd);
  closeSync(fd);
  return path;
}

function withRatios(rows: readonly Row[]): LoggedRow[] {
  const c = rows.find(({ side }) => side === "C") as Row;
  return rows.map((row) => ({
    ...row,
    p50ToC: quartiles(pairedRatios(row.p50.samples, c.p50.samples)),
    requestsToC: quartiles(pairedRatios(row.reqPerSec.samples, c.reqPerSec.samples)),
  }));
}

function loggedTable(rows: readonly LoggedRow[]): string {
  const head = ["echo of durable messages", "conns", "p50 us", "/ C", "req/s", "/ C", "CPU us/req"];
  return table(
    head,
    rows.map((row) => [
      row.server,
      String(row.connections),
      spread(row.p50),
      row.side === "C" ? "" : spread(row.p50ToC),
      thousands(row.reqPerSec.median),
      row.side === "C" ? "" : spread(row.requestsToC),
      spread(row.cpuPerRequest),
    ]),
  );
}

function judge(rows: readonly LoggedRow[]): Goal[] {
  return rows
    .filter(({ side }) => side === "ours")
    .flatMap(({ connections, p50ToC, requestsToC }) => {
      const where = `echo of durable messages, ${connections} connections`;
      if (connections === 1) return [atMost(`${where}: p50 / C`, p50ToC.median, P50_TO_C)];
      if (connections === MANY) return [atLeast(`${where}: requests/s / C`, requestsToC.median, REQUESTS_TO_C)];
      return [];
    });
}
