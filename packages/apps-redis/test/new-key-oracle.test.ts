/** The event "new" of keyspace notifications beside redis-server: which keys are new, and when that is told. */
import type { Reply, Request, RespClient } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const END = "end of it";

/** Each by what makes a key, overwrites it, or leaves it alone. */
const COMMANDS = [
  ...[
    "set s 1",
    "set s 2",
    "set s 3 ex 1000",
    "set s 4",
    "setex e 1000 x",
    "psetex e 1000 y",
    "setnx n 1",
    "setnx n 2",
  ],
  ...["set none 1 xx", "set gone 1 px 1000000", "getset g 1", "getset g 2", "mset m1 1 m2 2 m1 3", "msetnx m3 1 m4 2"],
  ...["msetnx m4 1 m5 2", "incr i", "incr i", "incrbyfloat f 1.5", "incrbyfloat f 1", "append a x", "append a y"],
  ...["setrange r 3 x", "setrange r2 3 ", "setbit b 7 1", "bitfield bf get u8 0", "bitfield bf2 set u8 0 1"],
  ...[
    "bitop and bo s s",
    "bitop or bo s s",
    "bitop not bo none",
    "pfadd p x",
    "pfadd p y",
    "pfmerge p2 p",
    "pfmerge p2 p",
  ],
  ...[
    "lpush l 1 2 3",
    "rpush l 4",
    "lpushx none 1",
    "lmove l l2 left right",
    "rpoplpush l2 l3",
    "lmove l l left right",
  ],
  ...[
    "sadd t a b c",
    "sadd t d",
    "smove t t2 a",
    "smove t2 t3 a",
    "smove t none x",
    "sinterstore ts t",
    "sunionstore ts t",
  ],
  ...["sdiffstore ts none", "sdiffstore s t", "sinterstore ts2 t t none"],
  ...[
    "hset h f v",
    "hset h f w",
    "hsetnx h2 f v",
    "hincrby h3 f 1",
    "hincrbyfloat h4 f 1.5",
    "hmset h5 f v",
    "hincrby s f 1",
  ],
  ...["zadd z 1 a 2 b", "zadd z 3 c", "zadd z2 xx 1 a", "zincrby z3 1 a", "zunionstore zs 1 z", "zunionstore zs 1 z"],
  ...["zrangestore zr z 0 -1", "zrangestore zr z 0 -1", "zinterstore zi 1 none", "zdiffstore t 1 z", "geoadd ge 1 1 x"],
  ...["geosearchstore gs ge fromlonlat 1 1 byradius 10 m", "geosearchstore gs ge fromlonlat 1 1 byradius 10 m"],
  ...[
    "xadd x 1-1 f v",
    "xadd x 2-1 f v",
    "xadd x2 nomkstream 1-1 f v",
    "xgroup create x3 g 0 mkstream",
    "xsetid x 3-1",
  ],
  ...[
    "rename m1 q",
    "rename q m2",
    "renamenx m2 q2",
    "renamenx q2 s",
    "rename q2 q2",
    "copy s c",
    "copy s c",
    "copy s c replace",
  ],
  ...[
    "copy s c db 1",
    "move c 1",
    "move l 1",
    "sort l3 store so alpha",
    "sort l3 store so alpha",
    "sort none store so",
  ],
  ...["expire s 0", "set s again", "spop t 1", "sadd pop 1 2 3 4 5 6 7 8 9 10", "spop pop 9", "del pop", "sadd pop 1"],
  ...["restore d 0 PAYLOAD", "restore d 0 PAYLOAD", "restore d 0 PAYLOAD replace", "restore d2 1 PAYLOAD absttl"],
  ...[
    "multi",
    "set in 1",
    "lpush in2 1",
    "discard",
    "multi",
    "set in 1",
    "set in 2",
    "exec",
    "swapdb 0 1",
    "swapdb 0 1",
  ],
  ...["debug populate 3 pop", "debug reload", "set pop:1 x", "flushall", "set s 1", "select 1", "set s 1", "select 0"],
  ...["config set notify-keyspace-events KEA", "set hidden 1", "config set notify-keyspace-events Kn", "set seen 1"],
  ...["config set notify-keyspace-events n", "set hidden2 1"],
];

sideBySide("new keys beside redis-server", ["--enable-debug-command", "yes"], (both) => {
  /** The same payload for both. */
  async function requests(): Promise<Request[]> {
    await both.redis([["SET", "from", "payload"]]);
    const [dump] = await both.redis([["DUMP", "from"]]);
    return [
      ...COMMANDS.map((line) => line.split(" ").map((word) => (word === "PAYLOAD" ? (dump as string) : word))),
      ["ECHO", END],
      ["PUBLISH", "done", END],
    ];
  }

  /** What a client is told until `isEnd`. */
  const heard = (client: RespClient, isEnd: (reply: Reply) => boolean): Promise<Reply[]> =>
    new Promise((resolve) => {
      const all: Reply[] = [];
      client.listen((reply) => {
        all.push(reply);
        if (isEnd(reply)) resolve(all);
      });
    });

  /** Of servers without keys, and with all events asked for. */
  async function prepare(): Promise<void> {
    await both.compare([
      { command: ["FLUSHALL"] },
      { command: ["CONFIG", "SET", "notify-keyspace-events", "KEAn"] },
      { command: ["CONFIG", "GET", "notify-keyspace-events"] },
    ]);
  }

  test("to another client", async () => {
    const commands = await requests();
    await prepare();
    const listeners = await both.connect();
    const writers = await both.connect();
    const [ours, theirs] = await Promise.all(
      (["ours", "theirs"] as const).map(async (side) => {
        const told = heard(listeners[side], (reply) => Array.isArray(reply) && reply.includes(END));
        listeners[side].write([
          ["PSUBSCRIBE", "__key*"],
          ["SUBSCRIBE", "done"],
        ]);
        await until(async () => (await both[side === "ours" ? "ours" : "redis"]([["PUBSUB", "NUMSUB", "done"]]))[0]);
        await writers[side].answers(commands);
        return told;
      }),
    );
    expect(ours).toEqual(theirs);
    const named = theirs.filter((reply) => Array.isArray(reply) && reply[3] === "new");
    expect(named.length).toBeGreaterThan(50);
    listeners.close();
    writers.close();
  });

  test("to the client itself, and never within a reply", async () => {
    const commands = await requests();
    await prepare();
    const pair = await both.connect();
    const [ours, theirs] = await Promise.all(
      [pair.ours, pair.theirs].map(async (client) => {
        const told = heard(client, (reply) => reply === END);
        client.write([["HELLO", "3"], ["PSUBSCRIBE", "__key*"], ...commands]);
        const isEvent = (reply: Reply) => Array.isArray(reply) && reply[0] === "pmessage";
        // HELLO's reply names the connection.
        const [, ...all] = await told;
        return { events: all.filter(isEvent), replies: all.filter((reply) => !isEvent(reply)).map(sized) };
      }),
    );
    expect(ours).toEqual(theirs);
    expect(theirs.events.length).toBeGreaterThan(100);
    pair.close();
  });
});

/** What SPOP chooses is random. */
const sized = (reply: Reply): Reply => (Array.isArray(reply) ? reply.length : reply);

/** Asks until somebody has subscribed. */
async function until(count: () => Promise<Reply>): Promise<void> {
  for (;;) {
    const reply = await count();
    if ((reply as Reply[])[1] === 1) return;
  }
}
