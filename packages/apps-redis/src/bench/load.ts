/** Closed loops of requests over a libOS: each connection sends so many at once, and the next when all are answered. */
import { Histogram } from "@demikernel/bench";
import { type Completion, type LibOS, Opcode, PushFlag, type QueueDescriptor } from "@demikernel/core";
import { encode } from "../protocol/encode.js";
import { ReplyCounter } from "./reply-counter.js";

export interface Load {
  host: string;
  port: number;
  connections: number;
  requests: number;
  pipeline: number;
  /** Random parts are below it; 0: they are left as they are, "000000000000". */
  keyspace: number;
}

export interface Measured {
  requests: number;
  seconds: number;
  errors: number;
  /** Of requests, in nanoseconds: from when theirs were sent until the last of these was answered. */
  latencies: Histogram;
}

const PLACE = "__rand_int__";
const DIGITS = PLACE.length;

interface Peer {
  replies: ReplyCounter;
  missing: number;
  since: number;
}

/** Rejects with the error of a connection that broke. */
export async function measure(os: LibOS, words: readonly string[], load: Load): Promise<Measured> {
  const request = Buffer.from(encode(words).repeat(load.pipeline).replaceAll(PLACE, "0".repeat(DIGITS)), "latin1");
  const places = placesOf(encode(words), load.pipeline);
  const peers = new Map<QueueDescriptor, Peer>();
  const latencies = new Histogram();
  let sent = 0;
  let answered = 0;
  let errors = 0;
  let broken: Error | undefined;

  const send = (qd: QueueDescriptor, peer: Peer): void => {
    const sga = os.alloc(request.length);
    const view = os.sga.view(sga);
    const at = os.sga.offset(sga);
    view.set(request, at);
    if (load.keyspace > 0)
      for (const place of places) digits(view, at + place, Math.floor(Math.random() * load.keyspace));
    peer.missing = load.pipeline;
    peer.since = performance.now();
    sent += load.pipeline;
    os.push(qd, sga, PushFlag.FREE | PushFlag.QUIET);
  };

  for (let n = 0; n < load.connections; n++) {
    const qd = os.socket("tcp", { family: load.host.includes(":") ? 6 : 4 });
    await os.async.connect(qd, { host: load.host, port: load.port });
    peers.set(qd, { replies: new ReplyCounter(), missing: 0, since: 0 });
  }
  const start = performance.now();
  for (const [qd, peer] of peers) {
    os.pop(qd);
    if (sent < load.requests) send(qd, peer);
  }
  await os.run((event: Completion) => {
    if (event.opcode === Opcode.PUSH && event.result < 0) return end(`a push ended with ${event.result}`);
    if (event.opcode !== Opcode.POP) return;
    const peer = peers.get(event.qd);
    if (peer === undefined) return;
    if (event.result <= 0)
      return end(event.result === 0 ? "the server has closed a connection" : `a pop ended with ${event.result}`);
    let whole = 0;
    for (let n = 0; n < os.sga.segments(event.sga); n++)
      whole += peer.replies.count(
        os.sga.view(event.sga, n),
        os.sga.offset(event.sga, n),
        os.sga.segmentLength(event.sga, n),
      );
    os.free(event.sga);
    os.pop(event.qd);
    if (whole === 0) return;
    latencies.record(Math.round((performance.now() - peer.since) * 1e6), whole);
    answered += whole;
    peer.missing -= whole;
    if (peer.missing > 0) return;
    if (sent < load.requests) send(event.qd, peer);
    else if (answered >= sent) os.stop();
  });
  const seconds = (performance.now() - start) / 1000;
  for (const [qd, peer] of peers) {
    errors += peer.replies.errors;
    os.close(qd);
  }
  os.turn(() => {});
  if (broken !== undefined) throw broken;
  return { requests: answered, seconds, errors, latencies };

  function end(why: string): void {
    broken ??= new Error(why);
    os.stop();
  }
}

/** Where the digits are in `pipeline` requests. */
function placesOf(request: string, pipeline: number): number[] {
  const places: number[] = [];
  for (let n = 0; n < pipeline; n++) {
    for (let at = request.indexOf(PLACE); at >= 0; at = request.indexOf(PLACE, at + DIGITS))
      places.push(n * request.length + at);
  }
  return places;
}

function digits(bytes: Uint8Array, at: number, value: number): void {
  for (let n = at + DIGITS - 1; n >= at; n--) {
    bytes[n] = 48 + (value % 10);
    value = Math.floor(value / 10);
  }
}
