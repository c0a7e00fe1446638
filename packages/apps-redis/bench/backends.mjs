/** demi-redis on both ends where there is no kernel between them, beside redis-server and redis-benchmark over loopback. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, interleave, KeptServer, Progress, pairedRatios, quartiles } from "@demikernel/bench";
import { CLI, REDIS, startOurs, startRedis, within } from "./servers.mjs";
import { benchmark, CONNECTIONS, LIMIT, SIZE } from "./speed.mjs";

const VALUE = "x".repeat(SIZE);
const KEY = "key:__rand_int__";
/** In this order: GET finds what SET has left. */
const TESTS = { SET: ["SET", KEY, VALUE], GET: ["GET", KEY] };

const RING = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";
const CLIENT_MAC = "02:00:00:00:00:01";

/** By name: the package that has the backend, where the server listens, and the options of both ends, whose files are in `folder`. */
const BACKENDS = {
  "dpdk virtio": {
    libos: "dpdk",
    host: "10.7.0.2",
    options: (folder) => {
      const socket = join(folder, "ring.sock");
      const client = `net_virtio_user0,path=${socket},mac=${CLIENT_MAC},${RING}`;
      return {
        server: { device: `net_vhost0,iface=${socket}`, ipv4: "10.7.0.2/24" },
        client: { device: client, ipv4: "10.7.0.1/24" },
      };
    },
  },
  "rdma shm": {
    libos: "rdma",
    host: "127.0.0.1",
    options: () => ({ server: { provider: "shm" }, client: { provider: "shm" } }),
  },
};
export const BACKEND_NAMES = Object.keys(BACKENDS);

const packageOf = (libos) => fileURLToPath(new URL(`../../libos-${libos}`, import.meta.url));

/** {rows: one a test and side, leftOut: the backends that are not there, with the reason}. */
export async function compareBackends({ backends, rounds, requests, keyspace, seed }, placement, folder) {
  const redis = new KeptServer(() => startRedis({ cpu: placement.server, folder }));
  const sides = [];
  const leftOut = [];
  // Of demi-redis bench, too, V8 compiles the code anew each time.
  const load = { requests: 4 * requests, keyspace, pipeline: 1, cpu: placement.generator };
  const rows = [];
  const progress = new Progress((backends.length + 1) * Object.keys(TESTS).length * (rounds + 1));
  try {
    for (const name of backends) {
      const side = new BothEnds(name, folder, placement);
      sides.push(side);
      try {
        // V8 compiles, and it is seen whether the machine has what the backend needs.
        await side.measure(TESTS.SET, load);
      } catch (error) {
        leftOut.push({ name, reason: error.message });
        sides.pop();
        await side.stop();
      }
    }
    for (const [test, words] of Object.entries(TESTS)) {
      const candidates = [
        ...sides.map((side) => ({ name: side.name, measure: () => side.measure(words, load) })),
        { name: REDIS, measure: () => redis.while(({ port }) => benchmark(port, { ...load, words })) },
      ];
      for (const { name, measure } of candidates) {
        progress.step(`${name}, ${test}: warms up`);
        await measure();
      }
      const onMeasure = (name) => progress.step(`${name}, ${test}`);
      const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
      rows.push(...rowsOf(samples, test));
    }
  } finally {
    progress.done();
    for (const side of [...sides, redis]) await side.stop();
  }
  return { rows, leftOut };
}

/** A server that stays, and demi-redis bench, started anew for each measurement. */
class BothEnds {
  #server;
  #libos;
  #host;
  #files;
  #cpu;

  constructor(name, folder, placement) {
    const { libos, host, options } = BACKENDS[name];
    this.name = name;
    this.#libos = libos;
    this.#host = host;
    this.#cpu = placement.generator;
    const ends = options(folder);
    const file = (end) => join(folder, `${libos}-${end}.yaml`);
    // YAML understands JSON.
    for (const end of ["server", "client"]) {
      writeFileSync(file(end), JSON.stringify({ libos, loop: "poll", [libos]: ends[end] }));
    }
    this.#files = { client: file("client"), json: join(folder, `${libos}.json`) };
    const start = { cpu: placement.server, host, cwd: packageOf(libos), libos, config: file("server") };
    this.#server = new KeptServer(() => startOurs(start));
  }

  measure(words, load) {
    return this.#server.while(async ({ port }) => {
      const { requests, keyspace } = load;
      const numbers = { "-p": port, "-c": CONNECTIONS, "-n": requests, "-r": keyspace, "-P": load.pipeline };
      const { client, json } = this.#files;
      const where = ["--libos", this.#libos, "--config", client, "-h", this.#host];
      const args = [
        CLI,
        "bench",
        ...where,
        ...Object.entries(numbers).flat().map(String),
        "-q",
        "--json",
        json,
        ...words,
      ];
      const cwd = packageOf(this.#libos);
      const name = `demi-redis bench over ${this.name}`;
      const child = new Child({ name, command: process.execPath, args, cpu: this.#cpu, cwd, measured: true });
      await within(LIMIT, name, child.output());
      const [{ rps, errors, microseconds }] = JSON.parse(readFileSync(json, "utf8"));
      if (errors !== 0) throw new Error(`${name}: ${errors} requests were answered by an error`);
      return { rps, p50: microseconds.p50 / 1000, p99: microseconds.p99 / 1000 };
    });
  }

  stop() {
    return this.#server.stop();
  }
}

function rowsOf(samples, test) {
  const of = (values) => ({ ...quartiles(values), samples: values });
  const values = (side, figure) => samples.get(side).map((sample) => sample[figure]);
  return [...samples.keys()].map((name) => ({
    name,
    test,
    rps: of(values(name, "rps")),
    p50: of(values(name, "p50")),
    p99: of(values(name, "p99")),
    rpsToRedis: of(pairedRatios(values(name, "rps"), values(REDIS, "rps"))),
  }));
}
