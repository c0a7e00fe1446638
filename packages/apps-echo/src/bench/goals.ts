/** What the echo server should be beside C and node:net. */
import { atLeast, atMost, type Goal } from "@demikernel/bench";
import type { Comparison, Row } from "./compare.js";

/** CPU time over the best C server's: within a tenth of what the kernel's own interfaces allow. */
const TO_BEST_C = 1.1;
/** node:net's CPU time over ours. */
const NODE_NET_TO = 1.5;
/** From here on wake-ups no longer hide what the server does. */
const FEWEST_CONNECTIONS = 16;
/** Median latency of one connection when spinning, over the best spinning C server's, and node:net's over ours. */
const BUSY_TO_BEST_C = 1.15;
const BUSY_NODE_NET_TO = 1.67;

export function judge(comparisons: readonly Comparison[], busy: Comparison): Goal[] {
  const loaded = comparisons.flatMap(({ rows }) => rows).filter((row) => row.connections >= FEWEST_CONNECTIONS);
  return [
    ...loaded.filter(isOurs).flatMap(({ server, connections, cpuRatios: { toBestC, nodeNetTo } }) => {
      const where = `${server}, ${connections} connections, CPU per request`;
      return [
        ...(toBestC ? [atMost(`${where} / best C`, toBestC.median, TO_BEST_C)] : []),
        ...(nodeNetTo ? [atLeast(`${where}, node:net / it`, nodeNetTo.median, NODE_NET_TO)] : []),
      ];
    }),
    ...busy.rows
      .filter(isOurs)
      .flatMap(({ server, p50Ratios: { toBestC, nodeNetTo } }) => [
        ...(toBestC ? [atMost(`${server}, p50 / best busy C`, toBestC.median, BUSY_TO_BEST_C)] : []),
        ...(nodeNetTo ? [atLeast(`${server}, p50, node:net / it`, nodeNetTo.median, BUSY_NODE_NET_TO)] : []),
      ]),
  ];
}

function isOurs(row: Row): boolean {
  return row.side === "ours";
}
