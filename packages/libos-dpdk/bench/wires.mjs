/** What two libOSes are joined by: for each kind of pair the options of both ends, as configuration files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { libos, peer, prefix } from "../test/bed/addresses.mjs";

const ring = "queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0";
const memif = (role, socket) => `net_memif0,role=${role},id=0,socket=${socket},socket-abstract=no,rsize=11`;

/** The server's end is made first and owns the socket. */
const pairs = {
  virtio: (socket) => ({
    server: { device: `net_vhost0,iface=${socket},queues=1` },
    client: { device: `net_virtio_user0,path=${socket},${ring}`, eal: ["--single-file-segments"] },
  }),
  memif: (socket) => ({
    server: { device: memif("server", socket) },
    client: { device: memif("client", socket) },
  }),
};
export const pairNames = Object.keys(pairs);

let made = 0;

/** The devices of a new pair, with sockets in `folder`: {server, client}, of which each is {device, eal}. */
export const makeDevices = (name, folder) => pairs[name](join(folder, `${name}${++made}.sock`));

/** Configuration files in `folder` for such a pair: {server, client}. */
export function makePair(name, folder) {
  const options = makeOptions(name, folder);
  const file = (end) => writeConfig(join(folder, `${name}${made}-${end}.yaml`), options[end]);
  return { server: file("server"), client: file("client") };
}

/** The options of the libOSes on such a pair: {server, client}. */
export function makeOptions(name, folder) {
  const ends = makeDevices(name, folder);
  const options = (device, who) => ({
    ...device,
    mac: who.mac,
    ipv4: prefix(who, 4),
    // The neighbour is known, so that the first message of each connection is not another kind of message.
    arp: { [other(who)[4]]: other(who).mac },
  });
  return { server: options(ends.server, libos), client: options(ends.client, peer) };
}

/** One libOS on an interface of the kernel's. */
export function makeOnInterface(driver, name, folder) {
  return writeConfig(join(folder, `${driver}-${name}.yaml`), {
    device: `net_${driver}0,iface=${name}`,
    ipv4: prefix(libos, 4),
  });
}

const other = (who) => (who === libos ? peer : libos);

// YAML understands JSON.
function writeConfig(path, options) {
  writeFileSync(path, JSON.stringify({ libos: "dpdk", dpdk: options }));
  return path;
}
