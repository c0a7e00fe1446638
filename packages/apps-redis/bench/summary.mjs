/** The results as tables, plot and goals. */
import { atLeast, atMost, boxPlot, figure, spread, table, thousands } from "@demikernel/bench";
import { OURS, REDIS } from "./servers.mjs";

/** CPU per request of redis-server's, without pipelining and with it: of these, and of all other commands. */
const FIRST = ["GET", "SET"];
const CPU_FIRST = { single: 1.0, pipelined: 0.75 };
const CPU_OTHERS = { single: 1.1, pipelined: 0.9 };
/** EVAL of an INCR, either way. */
const CPU_SCRIPTS = 1.2;
/** With appendfsync always: requests a second and p99 of redis-server's. */
const DURABLE_RPS = 2;
const DURABLE_P99 = 0.8;
/** While BGSAVE runs: p99 of what it is at rest, and memory of what it was. */
const SAVING_P99 = 2;
const SAVING_MEMORY = 1.1;
const P99 = 1.0;
const RPS_TO_REDIS = 3;
const MEMORY_TO_REDIS = 1.0;
const SMALL_TO_REDIS = 1.2;
const PAUSE = 10;

export function speedTable(rows) {
  return table(
    [
      "on posix",
      "pipeline",
      "side",
      "CPU us/request",
      "/ redis",
      "requests/s",
      "/ redis",
      "p50 ms",
      "p99 ms",
      "/ redis",
    ],
    rows.map((row) => {
      const ratio = (values) => (row.name === REDIS ? "" : spread(values));
      return [
        row.test,
        String(row.pipeline),
        row.name,
        spread(row.cpu),
        ratio(row.cpuToRedis),
        thousands(row.rps.median),
        ratio(row.rpsToRedis),
        figure(row.p50.median),
        figure(row.p99.median),
        ratio(row.p99ToRedis),
      ];
    }),
  );
}

export function judgeSpeed(rows) {
  return rows
    .filter(({ name }) => name === OURS)
    .flatMap(({ test, pipeline, cpuToRedis, p99ToRedis }) => {
      const limits = FIRST.includes(test) ? CPU_FIRST : CPU_OTHERS;
      const limit = test === "EVAL" ? CPU_SCRIPTS : pipeline === 1 ? limits.single : limits.pipelined;
      const where = `${test}, pipeline ${pipeline}`;
      return [
        atMost(`${where}: CPU / redis`, cpuToRedis.median, limit),
        atMost(`${where}: p99 / redis`, p99ToRedis.median, P99),
      ];
    });
}

/** CPU per request as a ratio, by command. */
export function speedPlot(rows, { rounds, pipelines }) {
  const boxes = rows
    .filter(({ name }) => name === OURS)
    .map(({ test, pipeline, cpuToRedis }) => ({
      name: pipelines.length === 1 ? test : `${test} x${pipeline}`,
      group: `pipeline ${pipeline}`,
      values: cpuToRedis.samples,
    }));
  return boxPlot(boxes, {
    title: "CPU per request of demi-redis on posix, of redis-server's",
    subtitle: `50 connections, 64 B; quartiles of ${rounds} rounds; x: requests sent at once`,
    x: "command",
    y: "ratio: 1 is level",
    threshold: { y: 1, name: "level" },
    width: 260 + 90 * boxes.length,
  });
}

export function keysTable(rows) {
  return table(
    ["keys of 16 + 64 B", "keys", "MiB resident", "/ redis", "MiB at start"],
    rows.map(({ name, keys, mebibytes, toRedis, mebibytesAtStart }) => [
      name,
      String(keys),
      spread(mebibytes),
      name === REDIS ? "" : spread(toRedis),
      figure(mebibytesAtStart),
    ]),
  );
}

export function pausesTable(rows) {
  return table(
    ["PING meanwhile", "side", "longest, ms", "p99.9 ms", "p50 ms"],
    rows.map(({ phase, name, longest, p999, p50 }) => [phase, name, spread(longest), spread(p999), spread(p50)]),
  );
}

export function smallTable(rows) {
  return table(
    ["of ten elements", "number", "bytes each", "redis", "/ redis"],
    rows.map(({ kind, count, ours, redis, toRedis }) => [
      kind,
      String(count),
      spread(ours),
      spread(redis),
      spread(toRedis),
    ]),
  );
}

/** How long a client waited at most, and what small collections take of redis-server's memory. */
export function memoryPlots({ pauses, small }, { rounds }) {
  const waited = pauses.map(({ phase, name, longest }) => ({
    name: `${phase}, ${name}`,
    group: name,
    values: longest.samples,
  }));
  const taken = small.map(({ kind, toRedis }) => ({ name: kind, values: toRedis.samples }));
  const subtitle = `quartiles of ${rounds} rounds`;
  return {
    pauses: boxPlot(waited, {
      title: "The longest wait of a client that sends PING",
      subtitle,
      x: "meanwhile",
      y: "milliseconds",
      threshold: { y: PAUSE, name: "goal" },
      width: 260 + 210 * waited.length,
    }),
    small: boxPlot(taken, {
      title: "Memory of collections of ten elements, of redis-server's",
      subtitle,
      x: "kind",
      y: "ratio: 1 is level",
      threshold: { y: SMALL_TO_REDIS, name: "goal" },
    }),
  };
}

export function judgeMemory({ keys, pauses, small }) {
  const ours = ({ name }) => name === OURS;
  return [
    ...keys
      .filter(ours)
      .map(({ keys, toRedis }) => atMost(`${keys} keys: memory / redis`, toRedis.median, MEMORY_TO_REDIS)),
    ...pauses.filter(ours).map(({ phase, longest }) => atMost(`longest pause, ${phase}`, longest.median, PAUSE, "ms")),
    ...small.map(({ kind, toRedis }) => atMost(`small ${kind}: memory / redis`, toRedis.median, SMALL_TO_REDIS)),
  ];
}

export function backendsTable(rows) {
  return table(
    ["without pipelining", "side", "requests/s", "/ redis", "p50 ms", "p99 ms"],
    rows.map(({ test, name, rps, rpsToRedis, p50, p99 }) => [
      test,
      name === REDIS ? "redis-server, loopback" : `demi-redis, ${name}`,
      thousands(rps.median),
      name === REDIS ? "" : spread(rpsToRedis),
      figure(p50.median),
      figure(p99.median),
    ]),
  );
}

/** Requests a second as a ratio, by command and backend. */
export function backendsPlot(rows, { rounds }) {
  const boxes = rows
    .filter(({ name }) => name !== REDIS)
    .map(({ test, name, rpsToRedis }) => ({ name: `${test}, ${name}`, group: name, values: rpsToRedis.samples }));
  return boxPlot(boxes, {
    title: "Requests a second without a kernel between the ends, of redis-server's over loopback",
    subtitle: `50 connections, 64 B, without pipelining; quartiles of ${rounds} rounds`,
    x: "command and backend",
    y: "times redis-server",
    threshold: { y: RPS_TO_REDIS, name: "goal" },
  });
}

export function judgeBackends(rows) {
  return rows
    .filter(({ name }) => name !== REDIS)
    .map(({ test, name, rpsToRedis }) =>
      atLeast(`${test} over ${name}: requests/s / redis`, rpsToRedis.median, RPS_TO_REDIS),
    );
}

export function durableTable(rows) {
  return table(
    ["SET, appendfsync always", "requests/s", "/ redis", "CPU us/request", "/ redis", "p50 ms", "p99 ms", "/ redis"],
    rows.map(({ name, rps, rpsToRedis, cpu, cpuToRedis, p50, p99, p99ToRedis }) => [
      name,
      thousands(rps.median),
      spread(rpsToRedis),
      spread(cpu),
      spread(cpuToRedis),
      figure(p50.median),
      figure(p99.median),
      spread(p99ToRedis),
    ]),
  );
}

export function judgeDurable(rows) {
  return rows
    .filter(({ name }) => name.startsWith(OURS) && !name.endsWith("not durable"))
    .flatMap(({ name, rpsToRedis, p99ToRedis }) => [
      atLeast(`${name}, durable SET: requests/s / redis`, rpsToRedis.median, DURABLE_RPS),
      atMost(`${name}, durable SET: p99 / redis`, p99ToRedis.median, DURABLE_P99),
    ]);
}

export function durablePlot(rows, { rounds }) {
  const boxes = rows
    .filter(({ name }) => name !== REDIS)
    .map(({ name, rpsToRedis }) => ({ name, values: rpsToRedis.samples }));
  return boxPlot(boxes, {
    title: "Durable SETs a second, of redis-server's",
    subtitle: `appendfsync always, 50 connections, 64 B; quartiles of ${rounds} rounds`,
    x: "side",
    y: "times redis-server",
    threshold: { y: DURABLE_RPS, name: "goal" },
  });
}

export function savingTable(rows) {
  return table(
    ["BGSAVE", "keys", "GET p99 ms at rest", "meanwhile", "/ at rest", "longest ms", "memory / before", "seconds"],
    rows.map(({ name, keys, rest, saving, toRest, longest, memory, seconds }) => [
      name,
      String(keys),
      spread(rest),
      spread(saving),
      spread(toRest),
      spread(longest),
      spread(memory),
      spread(seconds),
    ]),
  );
}

export function judgeSaving(rows) {
  return rows
    .filter(({ name }) => name === OURS)
    .flatMap(({ keys, toRest, longest, memory }) => [
      atMost(`BGSAVE of ${keys} keys: p99 of GET / at rest`, toRest.median, SAVING_P99),
      atMost(`BGSAVE of ${keys} keys: longest pause`, longest.median, PAUSE, "ms"),
      atMost(`BGSAVE of ${keys} keys: memory / before`, memory.median, SAVING_MEMORY),
    ]);
}
