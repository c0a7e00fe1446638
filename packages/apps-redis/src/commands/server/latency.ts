/** LATENCY. */
import type { Call } from "../../server/call.js";
import type { Sample, Series } from "../../server/latency.js";
import type { Server } from "../../server/server.js";
import type { Command } from "../command.js";
import { findByName } from "./command-command.js";

const COLUMNS = 80;
const ROWS = 4;

export function latencyHistory({ args, reply, server }: Call): void {
  const samples = server.latency.events.get(args.text(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { time, milliseconds } of samples) {
    reply.array(2);
    reply.integer(time);
    reply.integer(milliseconds);
  }
}

export function latencyLatest({ reply, server }: Call): void {
  const { events } = server.latency;
  reply.array(events.size);
  for (const [event, { samples, most }] of events) {
    const last = samples[samples.length - 1];
    reply.array(4);
    reply.text(event);
    reply.integer(last.time);
    reply.integer(last.milliseconds);
    reply.integer(most);
  }
}

export function latencyReset({ args, reply, server }: Call): void {
  const { events } = server.latency;
  let count = 0;
  for (const event of args.count === 2 ? [...events.keys()] : args.texts(2)) if (events.delete(event)) count++;
  reply.integer(count);
}

export function latencyHistogram({ args, reply, server }: Call): void {
  const asked = args.count === 2 ? [...server.commands.all.values()] : named(server, args.texts(2));
  const found: Command[] = [];
  const add = (command: Command): void => {
    if (command.histogram !== undefined) found.push(command);
    for (const sub of command.subcommands.values()) add(sub);
  };
  for (const command of asked) add(command);
  reply.map(found.length);
  for (const { fullName, histogram } of found) {
    const counts = histogram?.cumulative() ?? new Map();
    reply.text(fullName);
    reply.map(2);
    reply.text("calls");
    reply.integer(histogram?.total ?? 0);
    reply.text("histogram_usec");
    reply.map(counts.size);
    for (const [microseconds, count] of counts) {
      reply.integer(microseconds);
      reply.integer(count);
    }
  }
}

const named = (server: Server, names: string[]): Command[] =>
  names.map((name) => findByName(server, name)).filter((command) => command !== undefined);

export function latencyGraph({ args, reply, server }: Call): void {
  const event = args.text(2);
  const series = server.latency.events.get(event);
  if (series === undefined) return reply.error(`ERR No samples available for event '${event}'`);
  reply.verbatim("txt", graph(event, series));
}

/** A column for each sample, the older the further left, with how long ago it was below. */
function graph(event: string, { samples, most }: Series): string {
  const values = samples.map(({ milliseconds }) => milliseconds);
  const high = Math.max(...values);
  const low = Math.min(...values);
  let text = `${event} - high ${high} ms, low ${low} ms (all time high ${most} ms)\n${"-".repeat(COLUMNS)}\n`;
  for (let from = 0; from < samples.length; from += COLUMNS) {
    const part = samples.slice(from, from + COLUMNS);
    const heights = part.map(({ milliseconds }) => ((milliseconds - low) / (high - low || 1)) * (ROWS - 1));
    for (let row = ROWS - 1; row >= 0; row--) {
      text += `${heights.map((height) => (height >= row + 0.5 ? "|" : height >= row ? "#" : row === 0 ? "_" : " ")).join("")}\n`;
    }
    const ages = part.map(age);
    for (let i = 0; ages.some((one) => i < one.length); i++) text += `\n${ages.map((one) => one[i] ?? " ").join("")}`;
    text += "\n";
  }
  return text;
}

function age({ time }: Sample): string {
  const seconds = Math.floor(Date.now() / 1000) - time;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

export function latencyDoctor({ reply, server }: Call): void {
  const { latencyMonitorThreshold } = server.config;
  const { events } = server.latency;
  const lines: string[] = [];
  if (latencyMonitorThreshold === 0 && events.size === 0) {
    lines.push("Latency monitoring is disabled: CONFIG SET latency-monitor-threshold <milliseconds> enables it.");
  } else if (events.size === 0) {
    lines.push(`No latency of ${latencyMonitorThreshold} ms or more was seen.`);
  }
  for (const [event, { samples, most }] of events) {
    const sum = samples.reduce((total, { milliseconds }) => total + milliseconds, 0);
    const span = samples[samples.length - 1].time - samples[0].time;
    const between = samples.length > 1 ? `, ${(span / (samples.length - 1)).toFixed(1)} seconds apart` : "";
    lines.push(
      `${event}: ${samples.length} latency spikes (average ${Math.round(sum / samples.length)} ms${between}). ` +
        `Worst all time event ${most} ms.`,
    );
  }
  if (events.has("command")) lines.push("SLOWLOG GET shows which commands take long.");
  reply.verbatim("txt", `${lines.join("\n")}\n`);
}
