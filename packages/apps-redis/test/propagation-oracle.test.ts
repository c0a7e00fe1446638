/** What followers are told is what redis-server tells its replicas, command by command. */
import { CHANGES, commandsOf, SEQUENCES } from "./changes.js";
import { besideRedis } from "./redis-server.js";
import { TwoFollowed } from "./two-followed.js";

const OPTIONS = ["--enable-debug-command", "yes", "--stream-node-max-entries", "3", "--databases", "16"];

besideRedis("what is told", OPTIONS, (redis) => {
  let both: TwoFollowed;
  beforeAll(async () => {
    both = await TwoFollowed.open(redis(), (config) => {
      config.streamNodeMaxEntries = 3;
    });
  });
  afterAll(() => both?.close());

  test.each(Object.keys(CHANGES))("%s", async (name) => {
    for (const [before, commands] of CHANGES[name]) {
      await both.begin();
      await both.send(commandsOf(before));
      await both.expectSame();
      await both.send(commandsOf(commands));
      expect((await both.expectSame()).length).toBeGreaterThan(0);
    }
  });

  test.each(SEQUENCES)("%s", async (line) => {
    await both.begin();
    await both.send(commandsOf(line));
    expect((await both.expectSame()).length).toBeGreaterThan(0);
  });
});
