/**
 * Masters and replicas of both kinds under random commands, with wires that are cut: at rest they hold the same, and who was away for a moment has
 * gone on from where it was.
 */
import { CutProxy } from "./cut-proxy.js";
import { caughtUp, type Kind, NodeInFolder } from "./node-in-folder.js";
import { Generator } from "./oracle/generator.mjs";
import { makesMinusZero } from "./oracle/minus-zero.mjs";
import { Peer } from "./oracle/peer.mjs";
import { Random } from "./random.js";
import { lackingRedis } from "./redis-program.js";
import { unlessLacking } from "./skipping.js";

const BATCH = 200;
const ROUNDS = 6;
/** Commands whose effects are told as they came: those of streams, and with times to live, take the master's time. */
const FAMILIES = ["string", "bits", "hll", "hash", "list", "set", "zset", "geo", "keyspace", "stream", "transaction"];

const nodes: NodeInFolder[] = [];
const wires: CutProxy[] = [];

afterEach(async () => {
  await Promise.all(wires.splice(0).map((wire) => wire.close()));
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
});

async function node(kind: Kind, ...options: string[]): Promise<NodeInFolder> {
  const made = await NodeInFolder.start(kind, ...options);
  nodes.push(made);
  return made;
}

/** `replica` follows `master` over a wire that can be cut. */
async function follow(replica: NodeInFolder, master: NodeInFolder): Promise<CutProxy> {
  const wire = await CutProxy.to(master.port);
  wires.push(wire);
  expect(await replica.ask("REPLICAOF", "127.0.0.1", String(wire.port))).toBe("OK");
  return wire;
}

async function expectSame(master: NodeInFolder, replica: NodeInFolder): Promise<void> {
  await caughtUp(replica, master);
  const [ours, theirs] = await Promise.all([held(master), held(replica)]);
  expect(theirs).toEqual(ours);
  expect(await replica.ask("DEBUG", "DIGEST")).toBe(await master.ask("DEBUG", "DIGEST"));
}

/** Of each key of the first database a hash of its value, and when it expires: encodings may be others after a file. */
async function held({ client }: NodeInFolder): Promise<Record<string, unknown>> {
  const [all] = await client.call([["KEYS", "*"]]);
  const keys = (all as string[]).sort();
  const about = await client.call(
    keys.flatMap((key) => [
      ["DEBUG", "DIGEST-VALUE", key],
      ["PEXPIRETIME", key],
    ]),
  );
  return Object.fromEntries(keys.map((key, i) => [key, about.slice(2 * i, 2 * i + 2)]));
}

/** A BITFIELD of which all fails makes the string longer, or makes one, of which redis-server's replicas are not told. */
const leavesZerosUntold = (words: readonly string[]): boolean =>
  /^BITFIELD$/i.test(words[0]) && words.some((word) => /^FAIL$/i.test(word));

/** Random commands for the first, while wires between them and the others are cut. */
async function load(chain: readonly NodeInFolder[], cut: readonly CutProxy[], random: Random): Promise<void> {
  const generator = new Generator(random.word(), FAMILIES);
  const peer = new Peer("the master", String(chain[0].port));
  const isRedis = chain[0].kind === "redis-server";
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const commands = Array.from({ length: BATCH }, () => generator.command());
      await peer.send(commands.filter((words) => !makesMinusZero(words) && !(isRedis && leavesZerosUntold(words))));
      if (random.below(4) === 0) random.pick(cut).cut();
    }
    await peer.send([["DISCARD"]]);
  } finally {
    peer.end();
  }
}

const CHAINS: Kind[][] = [
  ["demi-redis", "demi-redis", "demi-redis"],
  ["demi-redis", "redis-server", "demi-redis"],
  ["redis-server", "demi-redis", "redis-server"],
];

unlessLacking(lackingRedis(), "replication beside redis-server", () => {
  test.each(CHAINS.map((chain) => [chain.join(" <- "), chain] as const))(
    "%s: random commands and cut wires",
    async (name, kinds) => {
      const random = new Random(name);
      const chain = await Promise.all(kinds.map((kind) => node(kind)));
      const [master, middle, last] = chain;
      // Something to begin with.
      await load([master], [{ cut: () => {} } as CutProxy], random);
      const first = await follow(middle, master);
      await middle.until("a link", ({ master_link_status: status }) => status === "up");
      const second = await follow(last, middle);
      await last.until("a link", ({ master_link_status: status }) => status === "up");
      await load(chain, [first, second], random);
      first.cut();
      await expectSame(master, middle);
      second.cut();
      await expectSame(master, last);
      for (const one of [master, middle]) {
        const { sync_full: full, sync_partial_ok: partial } = await one.info("stats");
        expect(Number(partial)).toBeGreaterThan(0);
        expect(Number(full)).toBe(1);
      }
    },
    60_000,
  );

  test.each(["demi-redis", "redis-server"] as const)(
    "a replica of demi-redis that is %s is promoted, and the old master follows it with what it has",
    async (kind) => {
      const random = new Random("promotion");
      const [old, young] = [await node("demi-redis"), await node(kind)];
      await load([old], [{ cut: () => {} } as CutProxy], random);
      await follow(young, old);
      await expectSame(old, young);
      const { master_replid: id, master_repl_offset: offset } = await old.info();
      expect(await young.ask("REPLICAOF", "NO", "ONE")).toBe("OK");
      const promoted = await young.info();
      expect(promoted).toMatchObject({ role: "master", master_replid2: id });
      expect(Number(promoted.second_repl_offset)).toBe(Number(offset) + 1);
      await follow(old, young);
      await load([young], [{ cut: () => {} } as CutProxy], random);
      await expectSame(young, old);
      expect(await young.info("stats")).toMatchObject({ sync_full: "0", sync_partial_ok: "1" });
    },
    60_000,
  );

  test.each([
    ["demi-redis", "redis-server"],
    ["redis-server", "demi-redis"],
  ] as const)(
    "a master, %s, and a replica, %s, are killed and begin again",
    async (masterKind, replicaKind) => {
      const random = new Random("restarts");
      const master = await node(masterKind);
      const replica = await node(replicaKind, "--replicaof", "127.0.0.1", String(master.port));
      await load([master], [{ cut: () => {} } as CutProxy], random);
      await expectSame(master, replica);
      await replica.kill();
      await load([master], [{ cut: () => {} } as CutProxy], random);
      await replica.start();
      await expectSame(master, replica);
      await master.kill();
      await replica.until("a link that is down", ({ master_link_status: status }) => status === "down");
      // Nothing was saved: it begins with nothing, and so does its replica then.
      await master.start();
      await master.ask("SET", "again", "1");
      await expectSame(master, replica);
      expect(await replica.ask("DBSIZE")).toBe(1);
    },
    60_000,
  );

  test("replicas that want a file, with its length before it, share one", async () => {
    const master = await node("demi-redis", "--repl-diskless-sync", "no");
    await master.client.call([
      ["SELECT", "2"],
      ["DEBUG", "POPULATE", "5000", "key", "400"],
      ["SELECT", "0"],
    ]);
    const replicas = await Promise.all(
      (["redis-server", "redis-server", "demi-redis"] as const).map((kind) => node(kind)),
    );
    const chain = [master, ...replicas];
    const followed = Promise.all(replicas.map((replica) => follow(replica, master)));
    await load(chain, [{ cut: () => {} } as CutProxy], new Random("a shared file"));
    await followed;
    for (const replica of replicas) await expectSame(master, replica);
    expect(await master.info("stats")).toMatchObject({ sync_full: "3" });
  }, 60_000);
});
