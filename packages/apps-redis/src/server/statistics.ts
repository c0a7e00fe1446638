/** What the server counts for INFO, beside what commands and keyspace count themselves. */
import type { Reply } from "../protocol/reply.js";
import type { Server } from "./server.js";

const SAMPLES = 16;
const SAMPLE_MILLISECONDS = 100;

/** How much of something in a second, of late. */
class Rate {
  private readonly samples = new Float64Array(SAMPLES);
  private next = 0;
  private last = 0;
  private time = performance.now();

  constructor(private readonly read: () => number) {}

  sample(): void {
    const now = performance.now();
    const value = this.read();
    const seconds = (now - this.time) / 1000;
    this.samples[this.next] = seconds > 0 ? Math.max(0, value - this.last) / seconds : 0;
    this.next = (this.next + 1) % SAMPLES;
    this.last = value;
    this.time = now;
  }

  get perSecond(): number {
    return this.samples.reduce((sum, one) => sum + one, 0) / SAMPLES;
  }

  reset(): void {
    this.samples.fill(0);
    this.last = this.read();
  }
}

export class Statistics {
  inputBytes = 0;
  outputBytes = 0;
  /** Of these, from the master and to replicas; INFO has them apart. */
  replicationInputBytes = 0;
  replicationOutputBytes = 0;
  reads = 0;
  writes = 0;
  rejectedConnections = 0;
  evictedClients = 0;
  /** Bytes; since the start. */
  peakMemory = 0;
  readonly operations: Rate;
  readonly input: Rate;
  readonly output: Rate;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {
    this.operations = new Rate(() => server.processed);
    this.input = new Rate(() => this.inputBytes);
    this.output = new Rate(() => this.outputBytes);
  }

  start(): void {
    // What V8 holds before there is any data; clients and tables of theirs are counted apart.
    this.server.keyspace.baseMemory = process.memoryUsage().heapUsed;
    this.timer = setInterval(() => this.sample(), SAMPLE_MILLISECONDS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Bytes, as the keyspace counts them. */
  get usedMemory(): number {
    const bytes = this.server.keyspace.usedMemory;
    this.peakMemory = Math.max(this.peakMemory, bytes);
    return bytes;
  }

  /** Error replies by their code. */
  get errors(): ReadonlyMap<string, number> {
    return this.reply.codes;
  }

  private get reply(): Reply {
    return this.server.call.reply;
  }

  reset(): void {
    this.replicationInputBytes = this.replicationOutputBytes = 0;
    this.inputBytes = this.outputBytes = this.reads = this.writes = 0;
    this.rejectedConnections = this.evictedClients = 0;
    this.reply.codes.clear();
    this.server.activeExpiry.resetStatistics();
    for (const rate of [this.operations, this.input, this.output]) rate.reset();
  }

  private sample(): void {
    for (const rate of [this.operations, this.input, this.output]) rate.sample();
    void this.usedMemory;
  }
}
