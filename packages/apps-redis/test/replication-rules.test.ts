/** What may be done on a master and on a replica, and what both say of themselves: as on redis-server, which is asked the same. */
import { NodeInFolder } from "./node-in-folder.js";
import { lackingRedis } from "./redis-program.js";
import type { Reply } from "./resp-client.js";
import { unlessLacking } from "./skipping.js";

let ours: [NodeInFolder, NodeInFolder];
let theirs: [NodeInFolder, NodeInFolder];

const pair = async (kind: "demi-redis" | "redis-server"): Promise<[NodeInFolder, NodeInFolder]> => {
  const [master, replica] = await Promise.all([NodeInFolder.start(kind), NodeInFolder.start(kind)]);
  await replica.ask("REPLICAOF", "127.0.0.1", String(master.port));
  await online(master);
  // The master has sent it all; the replica may yet be loading it.
  await replica.until("a link to the master", ({ master_link_status }) => master_link_status === "up");
  return [master, replica];
};

async function online(master: NodeInFolder): Promise<void> {
  await master.until("a replica that is online", ({ slave0 }) => slave0?.includes("state=online") === true);
}

/** Errors as their words. */
const plain = (reply: Reply): unknown =>
  reply instanceof Error ? reply.message : Array.isArray(reply) ? reply.map(plain) : reply;

/** The same on both, which reply the same. */
async function same(at: 0 | 1, ...commands: string[][]): Promise<unknown[]> {
  const [mine, other] = await Promise.all(
    [ours, theirs].map(async (nodes) => (await nodes[at].client.call(commands)).map(plain)),
  );
  expect(mine).toEqual(other);
  return mine;
}

unlessLacking(lackingRedis(), "rules of replication", () => {
  beforeAll(async () => {
    [ours, theirs] = await Promise.all([pair("demi-redis"), pair("redis-server")]);
  });
  afterAll(() => Promise.all([...ours, ...theirs].map((node) => node.stop())));

  test("INFO has the same fields in the same order", async () => {
    for (const at of [0, 1]) {
      const [mine, other] = await Promise.all([ours[at].info(), theirs[at].info()]);
      expect(Object.keys(mine)).toEqual(Object.keys(other));
      const fixed = ({
        role,
        master_link_status,
        slave_read_only,
        slave_priority,
        repl_backlog_active,
      }: typeof mine) => [role, master_link_status, slave_read_only, slave_priority, repl_backlog_active];
      expect(fixed(mine)).toEqual(fixed(other));
    }
  });

  test("ROLE, CLIENT LIST", async () => {
    for (const nodes of [ours, theirs]) {
      const [master, replica] = nodes;
      expect(await master.ask("ROLE")).toEqual([
        "master",
        expect.any(Number),
        [["127.0.0.1", String(replica.port), expect.any(String)]],
      ]);
      expect(await replica.ask("ROLE")).toEqual(["slave", "127.0.0.1", master.port, "connected", expect.any(Number)]);
      expect(await master.ask("CLIENT", "LIST", "TYPE", "replica")).toMatch(/ flags=S .* cmd=replconf /);
      expect(await replica.ask("CLIENT", "LIST", "TYPE", "master")).toMatch(/ flags=M /);
    }
  });

  test("a replica is not written to, queued or not", async () => {
    const replies = await same(
      1,
      ["SET", "a", "1"],
      ["MULTI"],
      ["GET", "a"],
      ["SET", "a", "1"],
      ["EXEC"],
      ["BLPOP", "l", "1"],
      ["WAIT", "1", "10"],
      ["PFADD", "p", "a"],
      ["GETEX", "a"],
      ["REPLICAOF", "127.0.0.1", "x"],
      ["FAILOVER"],
    );
    expect(replies[0]).toBe("READONLY You can't write against a read only replica.");
  });

  test("a command that is refused on the master says the same", async () => {
    await same(
      0,
      ["WAIT", "x", "1"],
      ["WAIT", "1", "-1"],
      ["WAIT", "0", "0"],
      ["FAILOVER", "ABORT"],
      ["FAILOVER", "TIMEOUT", "0"],
      ["FAILOVER", "FORCE"],
      ["FAILOVER", "TO", "127.0.0.1", "1"],
      ["FAILOVER", "TO", "127.0.0.1", "1", "FORCE"],
      ["FAILOVER", "hello"],
      ["REPLICAOF", "a", "70000"],
      ["PSYNC", "?", "x"],
      ["REPLCONF", "hello", "1"],
    );
  });

  test("WAIT: one has it, two never will", async () => {
    const [one, two] = await same(0, ["SET", "a", "1"], ["WAIT", "1", "5000"], ["WAIT", "2", "20"]).then((all) =>
      all.slice(1),
    );
    expect([one, two]).toEqual([1, 1]);
  });

  test("min-replicas-to-write", async () => {
    const refused = "NOREPLICAS Not enough good replicas to write.";
    expect(
      await same(
        0,
        ["CONFIG", "SET", "min-replicas-to-write", "1"],
        ["SET", "a", "2"],
        ["CONFIG", "SET", "min-replicas-to-write", "2"],
        ["SET", "a", "3"],
        ["GET", "a"],
        ["CONFIG", "SET", "min-replicas-to-write", "0"],
      ),
    ).toEqual(["OK", "OK", "OK", refused, "2", "OK"]);
  });

  test("what has expired is not shown by a replica, which keeps it until the master says so", async () => {
    for (const [master, replica] of [ours, theirs]) {
      await master.client.call([
        ["DEBUG", "SET-ACTIVE-EXPIRE", "0"],
        ["SET", "short", "1", "PX", "30"],
        ["WAIT", "1", "5000"],
      ]);
      let size: unknown = 0;
      for (let shown: unknown = "1"; shown !== null; )
        [shown, size] = await replica.client.call([["GET", "short"], ["DBSIZE"]]);
      expect(size).toBe(await master.ask("DBSIZE"));
      expect(await master.ask("GET", "short")).toBeNull();
      await replica.until("a key less", () => true);
      await master.client.call([
        ["SET", "a", "4"],
        ["WAIT", "1", "5000"],
        ["DEBUG", "SET-ACTIVE-EXPIRE", "1"],
      ]);
      expect(await replica.ask("DBSIZE")).toBe((size as number) - 1);
    }
  });

  test("without its master a replica serves what it has, or nothing", async () => {
    for (const [master, replica] of [ours, theirs]) {
      await master.kill();
      await replica.until("no link", ({ master_link_status: status }) => status === "down");
    }
    expect(
      await same(
        1,
        ["GET", "a"],
        ["CONFIG", "SET", "replica-serve-stale-data", "no"],
        ["GET", "a"],
        ["MULTI"],
        ["PING"],
        ["DISCARD"],
        ["SYNC"],
        ["PSYNC", "?", "-1"],
        ["CONFIG", "SET", "replica-serve-stale-data", "yes"],
      ),
    ).toContain("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.");
    await Promise.all([ours, theirs].map(([master]) => master.start()));
    await Promise.all([ours, theirs].map(([master]) => online(master)));
  });

  test("who waits for others' writes is left when the server becomes a replica", async () => {
    for (const [master, replica] of [ours, theirs]) {
      await replica.ask("REPLICAOF", "NO", "ONE");
      const waiting = await master.connect();
      const answer = waiting.call([["BLPOP", "nobody", "0"]]);
      for (let info = await master.info("clients"); info.blocked_clients !== "1"; ) info = await master.info("clients");
      await master.ask("REPLICAOF", "127.0.0.1", String(replica.port));
      const [reply] = await answer;
      expect(plain(reply)).toBe(
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      );
      waiting.close();
      await online(replica);
    }
    ours.reverse();
    theirs.reverse();
  });

  test("FAILOVER exchanges the two, and nothing is lost", async () => {
    for (const [master, replica] of [ours, theirs]) {
      await master.ask("SET", "kept", "1");
      expect(await master.ask("FAILOVER", "TO", "127.0.0.1", String(replica.port))).toBe("OK");
      await replica.until("a master", ({ role }) => role === "master");
      await master.until("a link", ({ master_link_status: status }) => status === "up");
      expect(await master.info()).toMatchObject({ role: "slave", master_failover_state: "no-failover" });
      expect(await master.ask("GET", "kept")).toBe("1");
      await online(replica);
      expect(
        await replica.client.call([
          ["SET", "kept", "2"],
          ["WAIT", "1", "5000"],
        ]),
      ).toEqual(["OK", 1]);
      expect(await master.ask("GET", "kept")).toBe("2");
    }
    ours.reverse();
    theirs.reverse();
  });
});
