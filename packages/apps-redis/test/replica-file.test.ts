/** A replica with an append-only file: it has what the replica has, whatever becomes of the link, the file of a master, or the process. */
import { loadedFrom } from "./aof-folder.js";
import type { Direct } from "./direct.js";
import { eventually } from "./eventually.js";
import { FakeMaster, ID } from "./fake-master.js";
import { caughtUp, NodeInFolder } from "./node-in-folder.js";
import { Random } from "./random.js";

const nodes: NodeInFolder[] = [];
afterEach(() => Promise.all(nodes.splice(0).map((node) => node.stop())));

async function node(...options: string[]): Promise<NodeInFolder> {
  const one = await NodeInFolder.start("demi-redis", ...options);
  nodes.push(one);
  return one;
}

const hasFile = ["--appendonly", "yes", "--appendfsync", "always"];
const follow = (replica: NodeInFolder, { port }: NodeInFolder | FakeMaster): Promise<unknown> =>
  replica.ask("REPLICAOF", "127.0.0.1", String(port));

/** It ends as by a crash; what one has that begins with what it has left. */
async function crash(one: NodeInFolder): Promise<Direct> {
  await one.kill();
  return loadedFrom(one.folder);
}

/** A base of the dataset is there, and nothing else is under way. */
async function settled(one: NodeInFolder): Promise<void> {
  await eventually("a base", async () => {
    const { aof_base_size: size, aof_rewrite_in_progress: isRunning } = await one.info("persistence");
    return Number(size ?? 0) > 0 && isRunning === "0";
  });
}

test.each([
  ["is none", Buffer.from("hello")],
  // A library of functions that is no program.
  [
    "has what cannot be run",
    Buffer.from(`524544495330303130f504${Buffer.from("junk").toString("hex")}ff0000000000000000`, "hex"),
  ],
])(
  "a file of a master that %s leaves nothing in memory and in the file, and the server goes on",
  async (_, bytes) => {
    const replica = await node(...hasFile);
    await replica.ask("SET", "mine", "1");
    const master = await FakeMaster.start();
    master.answer = (socket) =>
      socket.write(Buffer.concat([Buffer.from(`+FULLRESYNC ${ID} 1\r\n$${bytes.length}\r\n`), bytes]));
    await follow(replica, master);
    await replica.until("no link any more", () => master.left !== 0);
    await replica.ask("REPLICAOF", "NO", "ONE");
    await master.close();
    await settled(replica);
    expect(await replica.ask("SET", "after", "1")).toBe("OK");
    expect((await crash(replica)).call("KEYS", "*")).toBe("*1\r\n$5\r\nafter\r\n");
  },
  60_000,
);

test("whoever waits for the file of another master goes on with the first where it was, and keeps its own replicas", async () => {
  const [first, second, replica, below] = await Promise.all([node(), node(), node(), node()]);
  await first.ask("SET", "a", "1");
  await follow(replica, first);
  await caughtUp(replica, first);
  await follow(below, replica);
  await caughtUp(below, replica);
  await second.client.call([
    ["DEBUG", "POPULATE", "10"],
    ["CONFIG", "SET", "rdb-key-save-delay", "2000000000"],
  ]);
  await follow(replica, second);
  await second.until("a replica that waits", ({ slave0 }) => /state=(wait_bgsave|send_bulk)/.test(slave0 ?? ""));
  await second.kill();
  await replica.until("a link that is down", ({ master_link_status }) => master_link_status === "down");
  await first.ask("SET", "b", "2");
  await follow(replica, first);
  await caughtUp(replica, first);
  await caughtUp(below, replica);
  expect(await below.client.call([["MGET", "a", "b"]])).toEqual([["1", "2"]]);
  expect(await first.info("stats")).toMatchObject({ sync_full: "1", sync_partial_ok: "1" });
  expect(await replica.info("stats")).toMatchObject({ sync_full: "1", sync_partial_ok: "0" });
}, 60_000);

test("a link that is lost while the file is loaded: all of it is there in the end, once", async () => {
  const [master, replica] = await Promise.all([node(), node("--key-load-delay", "100000", ...hasFile)]);
  await master.ask("DEBUG", "POPULATE", "300");
  await follow(replica, master);
  for (let lost = 0; lost < 3; lost++) {
    await eventually("that it loads", async () => (await replica.info("persistence")).loading === "1");
    await replica.ask("CLIENT", "KILL", "TYPE", "master");
    await master.ask("CLIENT", "KILL", "TYPE", "replica");
    await master.ask("SET", `lost:${lost}`, "1");
  }
  // It would take half a minute else.
  await replica.ask("CONFIG", "SET", "key-load-delay", "0");
  await caughtUp(replica, master);
  expect(await replica.ask("DBSIZE")).toBe(303);
  expect(await replica.ask("DEBUG", "DIGEST")).toBe(await master.ask("DEBUG", "DIGEST"));
  expect((await master.info("stats")).sync_full).toBe("1");
  await settled(replica);
  expect((await crash(replica)).all).toBe(await master.ask("DEBUG", "DIGEST"));
}, 60_000);

test("killed at any moment of full synchronizations, it has a state that its master had", async () => {
  const random = new Random("a replica with a file");
  const [master, replica] = await Promise.all([node(), node(...hasFile)]);
  const writer = await master.connect();
  let count = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      count++;
      // Effects of a script are a unit, as are those of a transaction.
      const unit = [
        ["RPUSH", "list", String(count)],
        ["INCR", "count"],
      ];
      if (count % 2 === 0) await writer.call([["MULTI"], ...unit, ["EXEC"]]);
      else
        await writer.call([
          [
            "EVAL",
            "redis.call('RPUSH', KEYS[1], ARGV[1]) redis.call('INCR', KEYS[2])",
            "2",
            "list",
            "count",
            String(count),
          ],
        ]);
    }
  })();
  await master.ask("DEBUG", "POPULATE", "3000");
  for (let round = 0; round < 3; round++) {
    await follow(replica, master);
    const end = Date.now() + random.below(120);
    while (Date.now() < end) await replica.ask("PING");
    await replica.kill();
    await replica.start();
    const [list, counter] = await replica.client.call([
      ["LRANGE", "list", "0", "-1"],
      ["GET", "count"],
    ]);
    expect(list).toEqual(Array.from({ length: Number(counter ?? 0) }, (_, i) => String(i + 1)));
    if (Number(counter ?? 0) !== 0) expect(await replica.ask("DBSIZE")).toBe(3002);
  }
  await follow(replica, master);
  isOver = true;
  await writing;
  await caughtUp(replica, master);
  await settled(replica);
  expect((await crash(replica)).all).toBe(await master.ask("DEBUG", "DIGEST"));
}, 60_000);
