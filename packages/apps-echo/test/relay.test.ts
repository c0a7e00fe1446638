/** The UDP relay, with our server, our client, and datagram sockets of node:dgram. */
import { createSocket, type Socket } from "node:dgram";
import { demiEcho, endAll, pause, reportIn, runClient, startServer, until } from "./program.js";

const sockets: Socket[] = [];

afterEach(async () => {
  await endAll();
  for (const socket of sockets.splice(0)) socket.close();
});

/** A client of the relay. */
function peer(relayPort: number, host = "127.0.0.1") {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  sockets.push(socket);
  const replies: string[] = [];
  socket.on("message", (message) => replies.push(message.toString()));
  return {
    replies,
    send: (text: string) => socket.send(text, relayPort, host),
    hears: (count: number) => until(() => replies.length >= count),
    /** Sends, and waits a while for a reply. */
    async ask(text: string, within = 2000): Promise<string | undefined> {
      const before = replies.length;
      socket.send(text, relayPort, host);
      await until(() => replies.length > before, within);
      return replies[before];
    },
  };
}

async function startRelay(target: string, args: string[] = []) {
  return startServer(["--to", target, ...args], "relay");
}

test("forwards for many clients, and each gets its own replies", async () => {
  const target = await startServer(["--udp"]);
  const relay = await startRelay(`127.0.0.1:${target.port}`);
  const ended = await runClient(["--udp", "--port", `${relay.port}`, "-c", "16", "-i", "3000", "-s", "100", "--json"]);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(reportIn(ended)).toMatchObject({ completed: 3000, lost: 0, mismatches: 0 });
  const { code, stdout } = await relay.program.end("SIGINT");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /relayed 3000 datagrams \(300000 bytes\) to 127\.0\.0\.1:\d+, 3000 datagrams \(300000 bytes\) back, 0 dropped/,
  );
  expect(stdout).toMatch(/clients: 16 seen, 0 forgotten/);
  expect(stdout).toMatch(/left open: 0 queues, 0 outstanding/);
});

test("a client beyond the bound takes the place of the one silent longest, which may come back", async () => {
  const target = await startServer(["--udp"]);
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--max-clients", "2"]);
  const [a, b, c] = [peer(relay.port), peer(relay.port), peer(relay.port)];
  expect(await a.ask("a1")).toBe("a1");
  expect(await b.ask("b1")).toBe("b1");
  expect(await a.ask("a2")).toBe("a2"); // b is silent longest now
  expect(await c.ask("c1")).toBe("c1");
  expect(await a.ask("a3")).toBe("a3");
  expect(await b.ask("b2")).toBe("b2"); // displaces c
  expect(await a.ask("a4")).toBe("a4");
  expect([a.replies, b.replies, c.replies]).toEqual([["a1", "a2", "a3", "a4"], ["b1", "b2"], ["c1"]]);
  const { stdout } = await relay.program.end("SIGTERM");
  expect(stdout).toMatch(/clients: 4 seen, 2 forgotten/);
});

/** A target that answers when the test says so. */
async function silentTarget() {
  const socket = createSocket("udp4");
  sockets.push(socket);
  /** The relay's upstream ports by what came from them. */
  const ports = new Map<string, number>();
  socket.on("message", (message, from) => ports.set(message.toString(), from.port));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: socket.address().port,
    ports,
    async heard(text: string): Promise<number> {
      await until(() => ports.has(text));
      return ports.get(text) ?? fail(`${text} did not come`);
    },
    send: (text: string, port: number) => socket.send(text, port, "127.0.0.1"),
  };
}

function fail(sentence: string): never {
  throw new Error(sentence);
}

test("a forgotten client's port rests: a late reply is its own, and nobody else's", async () => {
  const target = await silentTarget();
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--max-clients", "1"]);
  const [a, b] = [peer(relay.port), peer(relay.port)];
  a.send("from a");
  const portOfA = await target.heard("from a");
  b.send("from b"); // displaces a
  const portOfB = await target.heard("from b");
  target.send("to a", portOfA);
  target.send("to b", portOfB);
  await a.hears(1);
  await b.hears(1);
  expect([a.replies, b.replies]).toEqual([["to a"], ["to b"]]);
  expect((await relay.program.end("SIGINT")).stdout).toMatch(/clients: 2 seen, 1 forgotten/);
});

test("while as many ports rest as may, a newcomer waits for its place, and gets one", async () => {
  const target = await silentTarget();
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--max-clients", "1"]);
  const started = performance.now();
  // 1 has the place, 64 rest.
  const clients = Array.from({ length: 66 }, () => peer(relay.port));
  for (const [i, client] of clients.slice(0, 65).entries()) {
    client.send(`from ${i}`);
    await target.heard(`from ${i}`);
  }
  const last = clients[65] as ReturnType<typeof peer>;
  // As often as it takes: the first ones are dropped, unless the machine was asleep meanwhile.
  for (let asked = 0; !target.ports.has("from the last"); asked++) {
    if (asked === 2000) fail("the newcomer never got a place");
    last.send("from the last");
    await pause(5);
  }
  // The first to rest did so after `started`.
  expect(performance.now() - started).toBeGreaterThan(1000);
  target.send("welcome", await target.heard("from the last"));
  await last.hears(1);
  expect(last.replies).toEqual(["welcome"]);
  const { code, stdout } = await relay.program.end("SIGINT");
  expect(code).toBe(0);
  expect(stdout).toMatch(/left open: 0 queues, 0 outstanding/);
});

test("a silent client is forgotten after the idle time", async () => {
  const target = await startServer(["--udp"]);
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--idle", "1"]);
  const a = peer(relay.port);
  expect(await a.ask("a1")).toBe("a1");
  await pause(3000);
  expect(await a.ask("a2")).toBe("a2");
  expect((await relay.program.end("SIGINT")).stdout).toMatch(/clients: 2 seen, 1 forgotten/);
});

test("survives a target that is not there, and empty datagrams", async () => {
  const target = await startServer(["--udp"]);
  await target.program.end("SIGINT");
  const relay = await startRelay(`127.0.0.1:${target.port}`);
  const a = peer(relay.port);
  for (let i = 0; i < 200; i++) expect(await a.ask("anybody?", i < 2 ? 100 : 1)).toBeUndefined();
  expect(await a.ask("", 100)).toBeUndefined();
  const again = demiEcho(["server", "--udp", "--port", `${target.port}`]);
  await again.says(/listening/);
  // The first push may still report the refusal of the one before.
  expect((await a.ask("now?")) ?? (await a.ask("now?"))).toBe("now?");
  const { code, stdout, stderr } = await relay.program.end("SIGINT");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/left open: 0 queues, 0 outstanding/);
});

test("connects IPv6 clients to an IPv4 target", async () => {
  const target = await startServer(["--udp"]);
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--host", "::1"]);
  expect(await peer(relay.port, "::1").ask("six to four")).toBe("six to four");
});

test("serves while it is flooded, and ends within a second", async () => {
  const target = await startServer(["--udp"]);
  const relay = await startRelay(`127.0.0.1:${target.port}`, ["--max-clients", "8"]);
  // 32 clients for 8 places: newcomers displace others all the time. Datagrams get lost then, but no reply goes to the wrong client.
  const load = demiEcho([
    "client",
    "--udp",
    "--port",
    `${relay.port}`,
    "-c",
    "32",
    "-i",
    "1000000",
    "--timeout",
    "50",
    "--json",
  ]);
  await load.prints("stderr", /[1-9]\d{2,} of 1000000 echoes/);
  const ended = await relay.program.end("SIGINT");
  expect(ended.code).toBe(0);
  expect(ended.milliseconds).toBeLessThan(5000);
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
  expect(reportIn(await load.end("SIGINT"))).toMatchObject({ mismatches: 0 });
});
