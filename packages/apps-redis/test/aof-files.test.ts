/** Files of the append-only file go both ways with redis-server. */
import { aofFolder, settled } from "./aof-folder.js";
import { datasetIn, datasetOf } from "./dataset.js";
import { Generator } from "./oracle/generator.mjs";
import { Random } from "./random.js";
import { lackingRedis } from "./redis-program.js";
import { RedisServer } from "./redis-server.js";
import type { RespClient } from "./resp-client.js";
import { unlessLacking } from "./skipping.js";

const BATCHES = 12;
const BATCH = 700;

const folder = aofFolder();

/** Random commands, with a new base in the middle of them. */
async function write(client: RespClient, random: Random): Promise<void> {
  const generator = new Generator(random.seed);
  for (let i = 0; i < BATCHES; i++) {
    await client.call(Array.from({ length: BATCH }, () => generator.command()));
    if (i === BATCHES / 2) await client.call([["BGREWRITEAOF"]]);
  }
  await client.call([["DISCARD"]]);
  await settled(client);
}

unlessLacking(lackingRedis(), "files of redis-server's and ours", () => {
  test("redis-server loads what ours has written, redis-check-aof finds it sound, and ours loads it again", async () => {
    const server = await folder().start();
    await write(server.client, new Random("files of ours"));
    const before = await datasetOf(server.client);
    expect(Object.keys(before).length).toBeGreaterThan(20);
    await server.stop();
    expect(folder().checked()).toMatch(/All AOF files and manifest are valid/);
    expect(await folder().loadedByTheirs()).toEqual(before);
    expect(await datasetIn(await folder().loaded())).toEqual(before);
  });

  test.each([["yes"], ["no"]])(
    "ours loads what redis-server has written, its base an RDB file: %s",
    async (preamble) => {
      const options = ["--dir", folder().path, "--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
      const theirs = await RedisServer.start(...options);
      try {
        await write(theirs.client, new Random("files of redis-server's"));
      } finally {
        await theirs.stop();
      }
      const ours = await datasetIn(await folder().loaded());
      expect(Object.keys(ours).length).toBeGreaterThan(20);
      expect(ours).toEqual(await folder().loadedByTheirs());
    },
  );
});
