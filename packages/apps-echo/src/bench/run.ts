/** demi-echo bench: our server beside C on epoll, C on io_uring and node:net, in one run. */

import {
  circumstances,
  describe,
  freshSeed,
  goalLine,
  type Placement,
  Progress,
  placeServerAndGenerator,
  writeReport,
} from "@demikernel/bench";
import type { LoopMode } from "@demikernel/core";
import type { Command } from "commander";
import { Failure } from "../failure.js";
import { buildNative } from "./build-native.js";
import type { Options } from "./command.js";
import { type Comparison, compare } from "./compare.js";
import { type Engine, installedEngines, onlyBackend } from "./engines.js";
import { Fleet } from "./fleet.js";
import { judge } from "./goals.js";
import type { Load } from "./load.js";
import { benchLogged } from "./logged.js";
import { baselines, configDirectory, type Device, nodeNet, ours, oursOn, type Server } from "./servers.js";
import { busyTable, cpuTable, plots } from "./summary.js";

const WARMUP = 0.2;

/** What --quick says of what is not said otherwise. */
const QUICK = { connections: [1, 64], rounds: 3, seconds: 0.2 };

export async function bench(given: Options, command: Command): Promise<void> {
  const unsaid = Object.entries(QUICK).filter(([name]) => command.getOptionValueSource(name) === "default");
  const options: Options = given.quick ? { ...given, ...Object.fromEntries(unsaid) } : given;
  const { rounds, seed = freshSeed() } = options;
  if (options.log) {
    const unsaidConnections = command.getOptionValueSource("connections") === "default";
    const connections = unsaidConnections ? QUICK.connections : options.connections;
    return benchLogged({ ...options, connections, seed });
  }
  const programs = buildNative();
  const engines = await installedEngines(options.libos);
  const device = deviceOf(options, engines);
  const placement = placeServerAndGenerator();
  const directory = configDirectory();
  const wanted = ({ name }: Server): boolean => options.rows?.some((part) => name.includes(part)) ?? true;
  const own = (loop: LoopMode): Server[] => (device ? [oursOn(options, device, loop)] : ours(engines, loop, directory));
  const blocking = [...baselines(programs, false), nodeNet(), ...own("adaptive")].filter(wanted);
  const spinning = [...baselines(programs, true), nodeNet(), ...own("poll")].filter(wanted);
  if (blocking.length + spinning.length === 0) throw new Failure("--rows leaves no server to measure");

  console.log(describe(circumstances()));
  console.log(`${placement.note}; ${rounds} rounds of ${options.seconds} s, ${options.size} B, seed ${seed}`);
  if (device?.sleeps === false) console.log(`${device.libos} polls: its CPU time has the waiting in it`);
  const load: Load = {
    program: programs.load,
    cpu: placement.generator,
    connections: 1,
    size: options.size,
    seconds: options.seconds,
    warmup: WARMUP,
    busy: false,
  };
  const fleets = [new Fleet(placement.server), new Fleet(placement.server)];
  const progress = new Progress(rounds * (options.connections.length * blocking.length + spinning.length));
  const comparisons: Comparison[] = [];
  let busy: Comparison | undefined;
  let over: string | undefined;
  try {
    const [sleepers, spinners] = fleets;
    await sleepers.start(blocking, load);
    over = device && whatIsMeasured(options, device, sleepers);
    if (over) console.log(`${over}; the others: loopback, C client`);
    for (const connections of options.connections) {
      const onMeasure = (name: string) => progress.step(`${name}, ${connections} connections`);
      comparisons.push(
        await compare(sleepers, sleepers.servers, { ...load, connections }, { rounds, seed, onMeasure }),
      );
    }
    await sleepers.stop();
    await spinners.start(spinning, load);
    const onMeasure = (name: string) => progress.step(`${name}, latency of one connection`);
    busy = await compare(spinners, spinners.servers, { ...load, busy: true }, { rounds, seed, onMeasure });
  } catch (error) {
    throw new Failure((error as Error).message);
  } finally {
    progress.done();
    await Promise.all(fleets.map((fleet) => fleet.stop()));
  }
  const missing = typeof programs.uring === "string" ? [] : [{ name: "C io_uring", reason: programs.uring.missing }];
  const leftOut = [...missing, ...fleets.flatMap(({ leftOut }) => leftOut)];
  report(options, placement, seed, over, comparisons, busy, leftOut);
}

/** Our server, and what is between it and the client. */
function whatIsMeasured({ host, clientConfig }: Device, { libos }: Engine, { servers }: Fleet): string {
  const name = servers.find(({ side }) => side === "ours")?.name ?? `demi-echo ${libos}`;
  const address = host ?? (clientConfig === undefined ? "loopback" : undefined);
  return `${name}: ${[address, clientConfig ? "demi-echo client" : "C client"].filter(Boolean).join(", ")}`;
}

/** The backend whose device is the user's to choose; undefined when nothing is said of one. */
function deviceOf({ config, host, clientConfig }: Device, engines: readonly Engine[]): Engine | undefined {
  return (config ?? host ?? clientConfig) === undefined ? undefined : onlyBackend(engines);
}

function report(
  options: Options,
  placement: Placement,
  seed: number,
  over: string | undefined,
  comparisons: Comparison[],
  busy: Comparison,
  leftOut: { name: string; reason: string }[],
): void {
  const { connections, rounds, size, json, svg } = options;
  console.log(`\n${cpuTable(comparisons)}\n\n${busyTable(busy)}\n`);
  console.log(
    'Median [quartiles] over rounds; ratios are of the same round: "/ best C" below 1 and "node:net /" above 1 are ours ahead.\n' +
      "The best C is chosen anew in each round, so even a C server stands above 1: by how much is the noise of this run.",
  );
  // The goals are for one client and one network on both sides.
  const goals = over === undefined ? judge(comparisons, busy) : [];
  for (const goal of goals) console.log(goalLine(goal));
  for (const { name, reason } of leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  const results = {
    options: { connections, rounds, seconds: options.seconds, size, seed, over },
    placement,
    leftOut,
    comparisons,
    busy,
    goals,
  };
  const network = over === undefined ? "loopback" : `loopback; ${over}`;
  const drawn = plots(comparisons, busy, { size, rounds, over: network });
  for (const path of writeReport({ name: "echo", results, plots: drawn, json, svg })) console.log(`wrote ${path}`);
  if (!comparisons.some(({ rows }) => rows.some(({ side }) => side === "ours")) && options.rows === undefined) {
    throw new Failure("no Demikernel server could be measured");
  }
}
