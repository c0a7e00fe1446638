/** The results as a table, as goals and as plots. */
import { atMost, boxPlot, figure, linePlot, spread, table, thousands } from "@demikernel/bench";

/** Median round trip over that of the kernel's loopback with both ends spinning, by provider. */
const TO_BUSY_KERNEL = { tcp: 1.5, shm: 0.35 };
/** And over that of libfabric alone. */
const TO_BARE = 1.25;

export function resultTable(rows) {
  const head = ["", "conns", "p50 us", "/ busy kernel", "/ bare", "p99 us", "CPU us/req", "/ best kernel", "req/s"];
  return table(
    head,
    rows.map((row) => [
      row.name,
      String(row.connections),
      spread(row.p50),
      spread(row.p50ToBusyKernel),
      row.p50ToBare ? spread(row.p50ToBare) : "",
      figure(row.p99.median),
      spread(row.cpuPerRequest),
      spread(row.cpuToBestKernel),
      thousands(row.reqPerSec.median),
    ]),
  );
}

export function judge(rows) {
  return rows
    .filter(({ kind }) => kind === "ours")
    .flatMap(({ name, provider, connections, p50ToBusyKernel, p50ToBare }) => {
      const where = `${name}, ${connections} connections: p50 / `;
      return [
        atMost(`${where}busy C over loopback`, p50ToBusyKernel.median, TO_BUSY_KERNEL[provider]),
        atMost(`${where}bare libfabric`, p50ToBare.median, TO_BARE),
      ];
    });
}

/** SVG documents by name; "" is the main one: latency against load. */
export function plots(rows, { size, rounds }) {
  const subtitle = `${size} B messages, closed loop; median and quartiles of ${rounds} rounds; points are numbers of connections`;
  const names = [...new Set(rows.map(({ name }) => name))];
  const points = (name) =>
    rows
      .filter((row) => row.name === name)
      .map(({ connections, p50: { median, q1, q3 } }) => ({ x: connections, y: median, low: q1, high: q3 }));
  const ours = rows.filter(({ kind }) => kind === "ours");
  return {
    "": linePlot(
      names.map((name) => ({ name, points: points(name) })),
      { title: "Median round trip of an echo against load", subtitle, x: "connections", y: "p50 us", yScale: "log" },
    ),
    ratio: boxPlot(
      ours.map(({ provider, connections, p50ToBare }) => ({
        name: `${connections} ${provider}`,
        group: provider,
        values: p50ToBare.samples,
      })),
      {
        title: "Median round trip / libfabric alone over the same provider, same round",
        subtitle,
        x: "connections, provider",
        y: "ratio: 1 is level",
        threshold: { y: TO_BARE, name: "goal" },
        width: 260 + 110 * ours.length,
      },
    ),
  };
}

/** MiB that 1,000 connections have posted, at each end. */
const POSTED = 128;

export function memoryTable(memory) {
  const head = [
    "posted by each end",
    "connections",
    "KiB per connection",
    "MiB in all",
    "resident KiB per connection",
    "bytes after they closed",
  ];
  return table(
    head,
    memory.map(({ provider, connections, postedPerEnd, postedOfAll, rss, left }) => [
      provider,
      String(connections),
      figure(postedPerEnd / 1024),
      figure(postedOfAll / 2 ** 20),
      // Pages that were posted and never written are not resident: this is libfabric's and the kernel's bookkeeping.
      figure(rss / 1024 / (2 * connections)),
      String(left),
    ]),
  );
}

export function judgeMemory(memory) {
  return memory.flatMap(({ provider, connections, postedOfAll, left }) => {
    const where = `${provider}, ${connections} connections: posted`;
    return [
      atMost(`${where} by each end`, postedOfAll / 2 ** 20, POSTED, "MiB"),
      atMost(`${where} after they closed`, left, 0, "bytes"),
    ];
  });
}
