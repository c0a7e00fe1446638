/** The results as goals and as plots. */
import { atMost, comparisonSubtitle, figure, latencyPlot, ratioPlot, table } from "@demikernel/bench";

/** Median round trip over that of the kernel's loopback with both ends spinning, by provider. */
const TO_BUSY_KERNEL = { tcp: 1.5, shm: 0.35 };
/** And over that of libfabric alone. */
const TO_BARE = 1.25;

export function judge(rows) {
  return rows
    .filter(({ kind }) => kind === "ours")
    .flatMap(({ name, connections, p50ToBusyKernel, ratios }) => {
      const where = `${name}, ${connections} connections: p50 / `;
      return [
        atMost(`${where}busy C over loopback`, p50ToBusyKernel.median, TO_BUSY_KERNEL[providerOf(name)]),
        atMost(`${where}bare libfabric`, ratios.p50ToBare.median, TO_BARE),
      ];
    });
}

/** "demi-echo, shm" */
const providerOf = (name) => name.split(", ")[1];

/** SVG documents by name; "" is the main one: latency against load. */
export function plots(rows, options) {
  const subtitle = comparisonSubtitle(options, "closed loop");
  const ours = rows.filter(({ kind }) => kind === "ours");
  return {
    "": latencyPlot(rows, subtitle),
    ratio: ratioPlot({
      title: "Median round trip / libfabric alone over the same provider, same round",
      subtitle,
      x: "connections, provider",
      goal: TO_BARE,
      boxes: ours.map(({ name, connections, ratios }) => ({
        name: `${connections} ${providerOf(name)}`,
        group: providerOf(name),
        values: ratios.p50ToBare.samples,
      })),
    }),
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
