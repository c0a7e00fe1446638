// The loss benchmark itself, in the namespace that echo.mjs made for it: throughput where frames get lost, and how long one lost segment
// holds up the rest. Only figures; there are no goals.
import { circumstances, describe, figure, freshSeed, quartiles, spread, table, writeReport } from "@demikernel/bench";
import { makeWire } from "../test/bed/wire.mjs";
import { receiveBulk, requests, sendBulk } from "./loss-measures.mjs";
import { readLossOptions } from "./loss-options.mjs";
import { KernelSide, overAfPacket, overVirtio } from "./loss-sides.mjs";

const options = readLossOptions(process.argv.slice(2));
const { rounds, seed = freshSeed(), json } = options;
const bytes = options.megabytes * 1e6;
const SHARES = [0, 0.001, 0.01];
/** Request-response: one in N segments with data is lost. */
const EVERY = 200;
const COUNT = 10 * (EVERY - 1);
/** In a stream of segments of 1,460 bytes: one is lost, past its half. */
const MIDDLE = Math.floor(bytes / 1460 / 2) + 1;

if (process.env.DEMI_BENCH_LACKS !== "") {
  console.log(`LEFT OUT: all of it: ${process.env.DEMI_BENCH_LACKS}`);
  process.exit(1);
}
makeWire();
const kernel = new KernelSide(bytes);
const toKernel = overAfPacket(bytes);
const sides = [toKernel, overVirtio(process.env.DEMI_BENCH_FOLDER, bytes), kernel];
console.log(describe(circumstances()));
console.log(
  `${rounds} rounds of ${options.megabytes} MB each way, seeds ${seed} to ${seed + rounds - 1} (the kernel's losses have none)\n`,
);

async function on(side, faults, measure) {
  const host = await side.open(faults);
  try {
    const result = await measure(host);
    return { ...result, retransmissions: host.retransmissions };
  } finally {
    host.close();
  }
}

const rates = [];
const recoveries = [];
try {
  for (const side of sides) await side.ready();
  for (let round = 0; round < rounds; round++) {
    for (const drop of SHARES) {
      for (const side of sides) {
        const faults = { drop, seed: seed + round };
        note(rates, { name: side.name, drop }, await on(side, faults, (host) => sendBulk(host, side.address, bytes)));
        if (side !== toKernel) continue;
        const back = await on(side, faults, (host) => receiveBulk(host, side.address, bytes));
        note(rates, { name: "kernel to libOS, af_packet", drop }, back);
      }
    }
    for (const side of sides) {
      const lost = async (what, faults) => {
        const { times } = await on(side, faults, async (host) => ({
          times: await requests(host, side.address, COUNT),
        }));
        // Those that were held up, of which it is known how many there are.
        const held = times.sort((a, b) => b - a).slice(0, Math.floor(COUNT / (EVERY - 1)));
        for (const time of held) note(recoveries, { name: side.name, what }, { time });
      };
      await lost("a request", { loseSent: EVERY });
      await lost("an answer", { loseReceived: EVERY });
      for (const [what, loseSent] of [
        ["none, bulk: the longest pause", 0],
        ["one of a bulk transfer: the longest pause", MIDDLE],
      ]) {
        const { gap } = await on(side, { loseSent }, (host) => sendBulk(host, side.address, bytes));
        note(recoveries, { name: side.name, what }, { time: gap });
      }
    }
  }
} finally {
  for (const side of sides) side.stop();
}

function note(rows, key, sample) {
  let row = rows.find((known) => Object.entries(key).every(([name, value]) => known[name] === value));
  if (row === undefined) {
    row = { ...key, samples: [] };
    rows.push(row);
  }
  row.samples.push(sample);
}

const of = (row, key) => row.samples.map((sample) => sample[key]);
const percent = (share) => `${share * 100} %`;
console.log(
  table(
    ["lost, each way", "", "MB/s", "sent again"],
    rates.map((row) => [
      percent(row.drop),
      row.name,
      spread(quartiles(of(row, "rate"))),
      of(row, "retransmissions").includes(undefined) ? "" : figure(quartiles(of(row, "retransmissions")).median),
    ]),
  ),
);
console.log(
  `\n${table(
    ["lost", "", "ms", "most"],
    recoveries.map((row) => [
      row.what,
      row.name,
      spread(quartiles(of(row, "time"))),
      figure(Math.max(...of(row, "time"))),
    ]),
  )}\n`,
);
console.log("Median [quartiles]. A request and its answer are 1,000 bytes each.");
const results = { options: { ...options, seed }, rates, recoveries };
for (const path of writeReport({ name: "loss", results, plots: {}, json })) console.log(`wrote ${path}`);
process.exit(0);
