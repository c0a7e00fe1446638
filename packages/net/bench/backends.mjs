/** http over DPDK virtio with ours at both ends, beside node:net over loopback: the same server and the same load. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child, interleave, KeptServer, Progress, pairedRatios, quartiles } from "@demikernel/bench";
import { NODE } from "./posix.mjs";
import { start } from "./workloads.mjs";

const CONNECTIONS = [1, 64];
const VIRTIO = "dpdk virtio";
const RING = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";
const CLIENT_MAC = "02:00:00:00:00:01";
/** Its package is none of this one's dependencies. */
const DPDK = fileURLToPath(new URL("../../libos-dpdk", import.meta.url));
const LOAD = fileURLToPath(new URL("http-load.mjs", import.meta.url));

export async function compareBackends({ rounds, seconds, seed }, placement) {
  const folder = mkdtempSync(join(tmpdir(), "demi-net-bench-"));
  const ring = join(folder, "ring.sock");
  const client = `net_virtio_user0,path=${ring},mac=${CLIENT_MAC},${RING}`;
  const libos = (options) => JSON.stringify({ libos: "dpdk", from: DPDK, loop: "poll", ...options });
  const sides = {
    [NODE]: { server: "node", client: "node", host: "127.0.0.1" },
    [VIRTIO]: {
      server: libos({ device: `net_vhost0,iface=${ring}`, ipv4: "10.7.0.2/24" }),
      client: libos({ device: client, ipv4: "10.7.0.1/24" }),
      host: "10.7.0.2",
    },
  };
  const kept = new Map(
    Object.entries(sides).map(([name, { server, host }]) => [
      name,
      new KeptServer(() => start("apps/http.mjs", [server, "hello", host], placement.server)),
    ]),
  );
  const load = (name, connections) =>
    kept.get(name).while(async ({ port }) => {
      const { client: side, host } = sides[name];
      const args = [LOAD, side, host, port, connections, seconds].map(String);
      const child = new Child({
        name: `load over ${name}`,
        command: process.execPath,
        args,
        cpu: placement.generator,
        measured: true,
      });
      return JSON.parse(await child.output());
    });
  const progress = new Progress(CONNECTIONS.length * 2 * (rounds + 1));
  const rows = [];
  const leftOut = [];
  try {
    for (const connections of CONNECTIONS) {
      for (const name of [...kept.keys()]) {
        progress.step(`${name}, ${connections}: warms up`);
        try {
          await load(name, connections);
        } catch (error) {
          if (name === NODE) throw error;
          leftOut.push({ name, reason: error.message });
          await kept.get(name).stop();
          kept.delete(name);
        }
      }
      const candidates = [...kept.keys()].map((name) => ({ name, measure: () => load(name, connections) }));
      const { samples } = await interleave(candidates, {
        rounds,
        seed,
        onMeasure: (name) => progress.step(`${name}, ${connections}`),
      });
      rows.push(...rowsOf(samples, connections));
    }
  } finally {
    progress.done();
    for (const server of kept.values()) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return { rows, leftOut };
}

function rowsOf(samples, connections) {
  const values = (side, figure) => samples.get(side).map((sample) => sample[figure]);
  return [...samples.keys()].map((name) => ({
    name,
    connections,
    rps: quartiles(values(name, "rps")),
    p50: quartiles(values(name, "p50")),
    p99: quartiles(values(name, "p99")),
    rpsToNode: quartiles(pairedRatios(values(name, "rps"), values(NODE, "rps"))),
  }));
}
