/** Several clients on redis-server and on ours: each must be sent the same bytes, in the same order. */
import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { encode } from "./resp.mjs";
import { sideBySide } from "./side-by-side.js";

type Step = readonly [client: string, ...words: string[]];
const STILL = 30;

/** Everything that each client was sent; what differs from run to run is masked. */
async function record(server: NetConnectOpts, steps: readonly Step[]): Promise<Record<string, string>> {
  const clients = new Map<string, { socket: Socket; text: string }>();
  for (const [name] of steps) {
    if (clients.has(name)) continue;
    const client = { socket: connect(server), text: "" };
    clients.set(name, client);
    client.socket.on("data", (bytes) => {
      client.text += bytes.toString("latin1");
    });
    client.socket.on("close", () => {
      client.text += "<closed>";
    });
    // It is served from here on.
    client.socket.write("PING\r\n");
    await once(client.socket, "data");
    client.text = "";
  }
  for (const [name, ...words] of steps) {
    const client = clients.get(name) as { socket: Socket; text: string };
    client.socket.write(Buffer.from(encode([words]), "latin1"));
    await pause(STILL);
  }
  await pause(STILL * 3);
  const all: Record<string, string> = {};
  for (const [name, { socket, text }] of clients) {
    socket.destroy();
    all[name] = text.replace(/\d{10}\.\d{6} \[(\d+) [^\]]*\]/g, "TIME [$1 ADDRESS]").replace(/\$2\r\nid\r\n:\d+/, "ID");
  }
  return all;
}

sideBySide("clients beside redis-server", [], (both) => {
  const same = async (...lines: string[]): Promise<void> => {
    const steps = lines.map((line) => line.split(" ") as unknown as Step);
    const { ours, theirs } = both.servers();
    const [got, expected] = await Promise.all([record(ours.address, steps), record(theirs.address, steps)]);
    expect(got).toEqual(expected);
  };

  test("messages of channels, patterns and shards; what a subscriber may send", () =>
    same(
      "a subscribe x",
      "a psubscribe x*",
      "b publish x hi",
      "a get k",
      "a ping",
      "a unsubscribe",
      "a punsubscribe",
      "a get k",
      "c hello 3",
      "c subscribe x",
      "c publish x me",
      "c get k",
      "c ssubscribe s",
      "b spublish s m",
      "c reset",
      "b pubsub channels",
    ));

  test("keyspace notifications are messages", () =>
    same(
      "a config set notify-keyspace-events KEA",
      "a psubscribe __key*",
      "b set foo bar",
      "b del foo",
      "b config set notify-keyspace-events KEg",
    ));

  test("MONITOR shows what runs, but no passwords", () =>
    same(
      "m monitor",
      "a set foo b",
      "a auth secret",
      "a config get foo",
      "a nosuch",
      "a get foo",
      "m reset",
      "a get foo",
    ));

  test("tracking: own changes behind the reply, others' at once, flushes for all", () =>
    same(
      "a hello 3",
      "a client tracking on",
      "a get k1",
      "b set k1 2",
      "b set k1 3",
      "a get k1",
      "a set k1 4",
      "a mget k1 k2",
      "b del k1",
      "b flushall",
      "c hello 3",
      "c client tracking on optin",
      "c get k1",
      "b set k1 1",
      "c client caching yes",
      "c get k1",
      "b set k1 2",
      "d hello 3",
      "d client tracking on bcast prefix foo",
      "d set foo1 1",
      "b set foo1 2",
      "b set bar 2",
    ));

  test("CLIENT PAUSE, REPLY and KILL", () =>
    same(
      "a client pause 100 write",
      "b get foo",
      "b set foo 1",
      "a client unpause",
      "c client reply skip",
      "c echo a",
      "c echo b",
      "c client reply off",
      "c echo a",
      "c client reply on",
      "a client kill skipme yes type normal",
    ));

  test("users: keys, channels, commands; a user who is removed is left", () =>
    same(
      "a acl setuser u reset on >pw ~k* +get +mget +subscribe +acl|whoami &c*",
      "b auth u bad",
      "b auth u pw",
      "b acl whoami",
      "b get k1",
      "b mget k1 x",
      "b set k1 v",
      "b subscribe d",
      "a acl deluser u",
      "c config set requirepass foo",
      "c reset",
      "c get k",
      "c auth default foo",
      "c get k",
    ));
});
